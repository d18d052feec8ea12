//! The memory of this process, read when a scrape asks for it and at no other time.

use std::collections::HashMap;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{MetricFamily, MetricType};

use crate::families::gauge;

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
    resident: Desc,
    reserved: Desc,
}

impl MemoryGauges {
    pub fn new() -> prometheus::Result<Self> {
        let desc = |name: &str, help: &str| {
            Desc::new(name.to_owned(), help.to_owned(), Vec::new(), HashMap::new())
        };
        Ok(Self {
            resident: desc("process_resident_memory_bytes", "Resident memory size in bytes.")?,
            reserved: desc("process_virtual_memory_bytes", "Virtual memory size in bytes.")?,
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
        let family = |desc: &Desc, bytes: usize| {
            let mut family = MetricFamily::default();
            family.set_name(desc.fq_name.clone());
            family.set_help(desc.help.clone());
            family.set_field_type(MetricType::GAUGE);
            #[expect(clippy::cast_precision_loss, reason = "the format's own precision")]
            family.set_metric(vec![gauge(&[], bytes as f64)]);
            family
        };
        vec![
            family(&self.resident, memory.resident_bytes),
            family(&self.reserved, memory.virtual_bytes),
        ]
    }
}
