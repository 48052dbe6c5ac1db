//! Places for requests whose body is read as it comes: each may keep a thread waiting for its client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// All places: fewer than there are threads, so that some are left for others.
#[derive(Debug)]
pub struct Places {
    taken: AtomicUsize,
    most: usize,
}

/// One that is taken; it is free again when this is dropped.
#[derive(Debug)]
pub struct Place(Arc<Places>);

impl Places {
    /// Makes some places, one at least.
    pub fn new(most: usize) -> Self {
        Self {
            taken: AtomicUsize::new(0),
            most: most.max(1),
        }
    }

    /// Takes a place, if one is free.
    pub fn take(self: &Arc<Self>) -> Option<Place> {
        let next = |taken: usize| (taken < self.most).then(|| taken.saturating_add(1));
        self.taken
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, next)
            .ok()
            .map(|_| Place(Arc::clone(self)))
    }

    /// Whether all are taken.
    pub fn is_full(&self) -> bool {
        self.taken.load(Ordering::Acquire) >= self.most
    }

    /// How many requests may take one before much of their body has come: slow ones get half of the places.
    pub fn early(&self) -> usize {
        let half = self.most.div_ceil(2);
        half.saturating_sub(self.taken.load(Ordering::Acquire))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::AcqRel);
    }
}
