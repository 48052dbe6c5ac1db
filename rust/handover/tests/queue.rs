//! The queue with real threads.
#![cfg(not(loom))]
#![allow(clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hipflask_handover::{Next, Queue};

#[test]
fn what_does_not_fit_is_left() {
    let queue = Queue::<u32>::new(2);
    let mut items = vec![1_u32, 2, 3];
    queue.file(&mut items, Instant::now());
    assert_eq!(items, [3]);
    assert_eq!(queue.len(), 2);
    let worker = queue.add_worker();
    assert_eq!(queue.take(worker, false), Next::Begin(1));
    assert_eq!(queue.take(worker, false), Next::Begin(2));
    assert_eq!(queue.take(worker, false), Next::Nothing);
    assert!(queue.is_empty());
}

#[test]
fn own_things_come_before_new_ones() {
    let queue = Queue::<u32>::new(2);
    let worker = queue.add_worker();
    queue.file(&mut vec![1_u32], Instant::now());
    queue.mail(worker, 5);
    assert_eq!(queue.take(worker, false), Next::GoOn(5));
    assert_eq!(queue.take(worker, false), Next::Begin(1));
}

#[test]
fn late_entries_are_given_back() {
    let queue = Queue::<u32>::new(4);
    let now = Instant::now();
    let later = now + Duration::from_secs(5);
    queue.file(&mut vec![1_u32], now);
    queue.file(&mut vec![2_u32], later);
    assert_eq!(queue.expire(later), [1]);
    assert_eq!(queue.len(), 1);
}

#[test]
fn queue_is_stuck_only_if_nobody_takes_nor_could() {
    let queue = Queue::<u32>::new(4);
    let patience = Duration::from_millis(5);
    let mut now = Instant::now();
    let mut look = || {
        now += patience;
        queue.is_stuck(now, patience)
    };
    assert!(!look(), "nothing waits");
    let worker = queue.add_worker();
    queue.file(&mut vec![1_u32, 2, 3], Instant::now());
    assert!(!look(), "it was not looked at before");
    assert!(look());
    queue.take(worker, false);
    assert!(!look(), "somebody has taken something");
    assert!(look());
}

#[test]
fn worker_that_waits_too_long_is_told() {
    let queue = Queue::<u32>::new(4);
    let worker = queue.add_worker();
    assert!(!queue.wait(worker, Duration::from_millis(1)));
    queue.remove_worker(worker);
    assert_eq!(queue.workers(), 0);
    assert_eq!(queue.add_worker(), worker, "the place is used again");
}

#[test]
fn closed_queue_takes_nothing_and_is_emptied() {
    let queue = Queue::<u32>::new(4);
    let worker = queue.add_worker();
    queue.file(&mut vec![1_u32], Instant::now());
    queue.close();
    let mut late = vec![2_u32];
    queue.file(&mut late, Instant::now());
    assert_eq!(late, [2]);
    assert_eq!(queue.take(worker, false), Next::Begin(1));
    assert_eq!(queue.take(worker, false), Next::Closed);
}

#[test]
fn every_entry_is_taken_once_by_many() {
    let queue = Arc::new(Queue::<usize>::new(100_000));
    let sum = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let (queue, sum) = (Arc::clone(&queue), Arc::clone(&sum));
            thread::spawn(move || {
                let worker = queue.add_worker();
                loop {
                    match queue.take(worker, false) {
                        Next::Begin(item) => _ = sum.fetch_add(item, Ordering::Relaxed),
                        Next::Closed => return queue.remove_worker(worker),
                        Next::GoOn(_) => panic!("nobody has sent that"),
                        Next::Nothing => _ = queue.wait(worker, Duration::from_secs(10)),
                    }
                }
            })
        })
        .collect();
    for start in 0..1000 {
        queue.file(
            &mut (start * 10..start * 10 + 10).collect::<Vec<usize>>(),
            Instant::now(),
        );
    }
    while !queue.is_empty() {
        thread::yield_now();
    }
    queue.close();
    for worker in workers {
        worker.join().expect("it takes only");
    }
    assert_eq!(sum.load(Ordering::Relaxed), (0..10_000).sum());
}

#[test]
fn worker_with_half_done_things_leaves_new_ones_to_a_free_one() {
    let queue = Arc::new(Queue::<u32>::new(4));
    let host = queue.add_worker();
    let other = Arc::clone(&queue);
    let free = thread::spawn(move || {
        let worker = other.add_worker();
        loop {
            match other.take(worker, false) {
                Next::Begin(item) => return item,
                _ => _ = other.wait(worker, Duration::from_secs(10)),
            }
        }
    });
    while queue.workers() < 2 || queue.idle_workers() < 1 {
        thread::yield_now();
    }
    queue.file(&mut vec![1_u32], Instant::now());
    assert_eq!(queue.take(host, true), Next::Nothing);
    assert_eq!(free.join().expect("it takes one"), 1);
    queue.file(&mut vec![2_u32], Instant::now());
    assert_eq!(
        queue.take(host, true),
        Next::Begin(2),
        "nobody else is there"
    );
}
