//! The memory of this process, read when a scrape asks for it and at no other time.

use prometheus::core::{Collector, Desc};
use prometheus::proto::{MetricFamily, MetricType};

use crate::samples::{ConstLabels, family};

/// How much memory this process has, in bytes.
///
/// ```
/// let memory = instrument_metrics::ProcessMemory::read().expect("Linux, macOS and Windows tell");
/// assert!(memory.resident_bytes > 0 && memory.virtual_bytes > 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessMemory {
    /// Memory that is in RAM now (RSS), in bytes.
    pub resident_bytes: usize,
    /// Address space that is reserved (VMS, or VSZ), in bytes; on Windows the committed memory.
    pub virtual_bytes: usize,
}

impl ProcessMemory {
    /// Asks the operating system: on Linux one read of `/proc/self/statm`.
    ///
    /// `None` where the system does not tell.
    #[must_use]
    pub fn read() -> Option<Self> {
        memory_stats::memory_stats().map(|stats| Self {
            resident_bytes: stats.physical_mem,
            virtual_bytes: stats.virtual_mem,
        })
    }
}

/// `process_resident_memory_bytes` and `process_virtual_memory_bytes`, named as all of
/// Prometheus's client libraries name them.
pub struct MemoryGauges {
    const_labels: ConstLabels,
    resident: Desc,
    reserved: Desc,
}

impl MemoryGauges {
    pub fn new(const_labels: ConstLabels) -> prometheus::Result<Self> {
        let desc = |name: &str, help: &str| const_labels.desc(name.to_owned(), help, &[]);
        Ok(Self {
            resident: desc("process_resident_memory_bytes", "Resident memory size in bytes.")?,
            reserved: desc("process_virtual_memory_bytes", "Virtual memory size in bytes.")?,
            const_labels,
        })
    }
}

impl Collector for MemoryGauges {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.resident, &self.reserved]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Some(memory) = ProcessMemory::read() else {
            return Vec::new();
        };
        let gauge = |desc: &Desc, bytes: usize| {
            #[expect(clippy::cast_precision_loss, reason = "the format's own precision")]
            let gauge = self.const_labels.gauge(&[], bytes as f64);
            family(desc, MetricType::GAUGE, vec![gauge])
        };
        vec![
            gauge(&self.resident, memory.resident_bytes),
            gauge(&self.reserved, memory.virtual_bytes),
        ]
    }
}
