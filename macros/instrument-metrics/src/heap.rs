//! Heap by handler: an allocator that counts, and what each handler's share of the count is.
//!
//! A thread works on one request at a time, and only while it polls it. So the allocator keeps two
//! counters for each thread, and a handler's poll starts them at zero, reads them afterwards, and
//! puts back what they were: what lies between is the handler's own, whichever thread polls it next
//! time, and none of it is the share of a handler that called it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

thread_local! {
    /// Bytes allocated and freed since the poll that runs here began. `const`, and nothing to
    /// drop: reading it allocates nothing and registers nothing, so that the allocator may.
    static HERE: Cell<Counted> = const { Cell::new(Counted::NOTHING) };
}

#[derive(Clone, Copy)]
struct Counted {
    allocated: u64,
    freed: u64,
}

impl Counted {
    const NOTHING: Self = Self { allocated: 0, freed: 0 };
}

/// A global allocator that counts what each thread allocates and frees, so that handlers have
/// `http_handler_heap_bytes` and `http_handler_allocated_bytes_total`.
///
/// Put it in the program, around the system's allocator or another one:
///
/// ```
/// use instrument_metrics::CountingAllocator;
///
/// #[global_allocator]
/// static ALLOCATOR: CountingAllocator = CountingAllocator::new();
/// ```
///
/// It costs a few instructions for each allocation: two additions to a variable of the thread.
/// Programs without it have none of that, and none of the two families.
#[derive(Debug, Clone, Copy, Default)]
pub struct CountingAllocator<A = System> {
    allocator: A,
}

impl CountingAllocator {
    /// Counts what the system's allocator gives.
    #[must_use]
    pub const fn new() -> Self {
        Self { allocator: System }
    }
}

impl<A> CountingAllocator<A> {
    /// Counts what `allocator` gives:
    ///
    /// ```
    /// use instrument_metrics::CountingAllocator;
    /// use std::alloc::System; // or mimalloc::MiMalloc, or tikv_jemallocator::Jemalloc
    ///
    /// #[global_allocator]
    /// static ALLOCATOR: CountingAllocator<System> = CountingAllocator::around(System);
    /// ```
    #[must_use]
    pub const fn around(allocator: A) -> Self {
        Self { allocator }
    }
}

fn count(allocated: usize, freed: usize) {
    // No panic may leave an allocator. There is always a variable to reach, as it needs no
    // destructor; were there none, the bytes would be nobody's.
    let _ = HERE.try_with(|here| {
        let mut counted = here.get();
        counted.allocated = counted.allocated.wrapping_add(allocated as u64);
        counted.freed = counted.freed.wrapping_add(freed as u64);
        here.set(counted);
    });
}

// SAFETY: every method hands its arguments unchanged to the same method of `A`, which is a
// `GlobalAlloc`, and its result back unchanged; so what `A` guarantees and asks for is guaranteed
// and asked for here. `count` neither allocates nor unwinds: it reads and writes a `Cell` of two
// integers in a const-initialised thread-local variable without a destructor.
#[expect(unsafe_code, reason = "GlobalAlloc is an unsafe trait, and the only way to count")]
unsafe impl<A: GlobalAlloc> GlobalAlloc for CountingAllocator<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise, that the layout's size is not zero, is the one `A` needs.
        let block = unsafe { self.allocator.alloc(layout) };
        if !block.is_null() {
            count(layout.size(), 0);
        }
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        let block = unsafe { self.allocator.alloc_zeroed(layout) };
        if !block.is_null() {
            count(layout.size(), 0);
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller has the block from this allocator with this layout, and so from `A`.
        unsafe { self.allocator.dealloc(block, layout) };
        count(0, layout.size());
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as in `dealloc`; and the caller's promises about the new size are those `A`
        // needs.
        let moved = unsafe { self.allocator.realloc(block, layout, new_size) };
        if !moved.is_null() {
            // The difference: what was there stays allocated, moved or not.
            count(new_size.saturating_sub(layout.size()), layout.size().saturating_sub(new_size));
        }
        moved
    }
}

/// Whether this program's allocator counts.
pub fn is_counted() -> bool {
    static COUNTED: OnceLock<bool> = OnceLock::new();
    *COUNTED.get_or_init(|| {
        let before = HERE.get().allocated;
        drop(std::hint::black_box(Box::new(0u64)));
        HERE.get().allocated != before
    })
}

/// The heap of one handler.
#[derive(Default)]
pub struct HeapCell {
    held: AtomicI64,
    allocated: AtomicU64,
}

impl HeapCell {
    /// Bytes that requests in flight hold now.
    pub fn held(&self) -> i64 {
        self.held.load(Ordering::Relaxed)
    }

    /// Bytes that were ever allocated.
    pub fn allocated(&self) -> u64 {
        self.allocated.load(Ordering::Relaxed)
    }
}

/// The heap of one request; given back to the gauge when this is dropped.
pub struct RequestHeap {
    of_handler: Arc<HeapCell>,
    /// Never below zero: a request may free what was allocated for it before its handler began,
    /// as its body.
    held: i64,
}

impl RequestHeap {
    pub fn new(of_handler: Arc<HeapCell>) -> Self {
        Self { of_handler, held: 0 }
    }

    /// Counts what `work` allocates and frees on this thread, also if it panics.
    pub fn during<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let _share = Share { outside: HERE.replace(Counted::NOTHING), heap: self };
        work()
    }

    fn add(&mut self, Counted { allocated, freed }: Counted) {
        let held = (self.held + signed(allocated) - signed(freed)).max(0);
        // Relaxed: sums that nothing else is ordered by.
        self.of_handler.held.fetch_add(held - self.held, Ordering::Relaxed);
        self.of_handler.allocated.fetch_add(allocated, Ordering::Relaxed);
        self.held = held;
    }
}

impl Drop for RequestHeap {
    fn drop(&mut self) {
        self.of_handler.held.fetch_sub(self.held, Ordering::Relaxed);
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// One poll's share of what this thread counts.
struct Share<'a> {
    outside: Counted,
    heap: &'a mut RequestHeap,
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let share = HERE.replace(self.outside);
        self.heap.add(share);
    }
}
