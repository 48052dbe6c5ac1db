//! Whether the processor is what requests wait for: then more threads would only fight for it.

use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use hipflask_handover::{Load, QUICK};
use rustix::time::{ClockId, clock_gettime};

/// A reading over a longer time says little of the present.
const LONGEST: Duration = Duration::from_millis(20);
/// From this part of a core on, in percent, threads compute more than they wait.
const BUSY_PERCENT: u32 = 70;

/// Measures what Python's threads use; belongs to the I/O thread.
pub struct Meter {
    /// The I/O thread has no core of its own, so that what it uses is not there for others.
    is_shared: bool,
    read: Option<(Instant, Duration)>,
}

impl Meter {
    /// Makes one.
    pub fn new() -> Self {
        Self {
            is_shared: available_parallelism().is_ok_and(|count| count.get() == 1),
            read: None,
        }
    }

    /// Returns what the processor was doing since the last call that was at least [`QUICK`] ago; none within it.
    pub fn read(&mut self, now: Instant) -> Option<Load> {
        let passed = self
            .read
            .map(|(at, _)| now.saturating_duration_since(at))
            .unwrap_or(LONGEST);
        if passed < QUICK {
            return None;
        }
        let used = self.used();
        let (_, before) = self.read.replace((now, used)).unwrap_or((now, used));
        if passed >= LONGEST {
            return Some(Load::Unknown);
        }
        let is_busy = used.saturating_sub(before) * 100 >= passed * BUSY_PERCENT;
        Some(if is_busy { Load::Busy } else { Load::Idle })
    }

    fn used(&self) -> Duration {
        let all = time_of(ClockId::ProcessCPUTime);
        if self.is_shared {
            return all;
        }
        all.saturating_sub(time_of(ClockId::ThreadCPUTime))
    }
}

fn time_of(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}
