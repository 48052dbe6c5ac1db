//! The queue with real threads.
#![cfg(not(loom))]
#![allow(clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hipflask_handover::{COMING, Load, Next, QUICK, Queue};

#[test]
fn what_does_not_fit_is_left() {
    let queue = Queue::<u32>::new(2, true);
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
    let queue = Queue::<u32>::new(2, true);
    let worker = queue.add_worker();
    queue.file(&mut vec![1_u32], Instant::now());
    queue.mail(worker, 5);
    assert_eq!(queue.take(worker, false), Next::GoOn(5));
    assert_eq!(queue.take(worker, false), Next::Begin(1));
}

#[test]
fn late_entries_are_given_back() {
    let queue = Queue::<u32>::new(4, true);
    let now = Instant::now();
    let later = now + Duration::from_secs(5);
    queue.file(&mut vec![1_u32], now);
    queue.file(&mut vec![2_u32], later);
    assert_eq!(queue.expire(later), [1]);
    assert_eq!(queue.len(), 1);
}

#[test]
fn queue_is_stuck_only_if_nobody_takes_nor_could() {
    let queue = Queue::<u32>::new(4, true);
    let patience = Duration::from_millis(5);
    let mut now = Instant::now();
    let mut look = || {
        now += patience;
        queue.look(now, patience, Load::Unknown)
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

/// A worker on a thread of its own that takes one thing and ends; returns when it is idle.
fn start_idle(queue: &Arc<Queue<u32>>) -> thread::JoinHandle<u32> {
    let before = queue.idle_workers();
    let other = Arc::clone(queue);
    let handle = thread::spawn(move || {
        let worker = other.add_worker();
        loop {
            match other.take(worker, false) {
                Next::Begin(item) => return item,
                _ => _ = other.wait(worker, Duration::from_secs(10)),
            }
        }
    });
    while queue.idle_workers() == before {
        thread::yield_now();
    }
    handle
}

#[test]
fn nobody_is_woken_beside_a_worker_that_will_be_back_soon() {
    let queue = Arc::new(Queue::<u32>::new(8, true));
    let now = Instant::now();
    let quick = queue.add_worker();
    assert!(!queue.file(&mut vec![1_u32], now), "nobody is idle");
    assert_eq!(queue.take(quick, false), Next::Begin(1));
    let idle = start_idle(&queue);
    assert!(!queue.file(&mut vec![2_u32, 3], now));
    assert_eq!(queue.take(quick, false), Next::Begin(2));
    assert_eq!(queue.idle_workers(), 1);
    assert!(!queue.look(now, QUICK, Load::Unknown), "it may be back yet");
    assert_eq!(queue.idle_workers(), 1);
    assert!(
        !queue.look(now + QUICK, QUICK, Load::Unknown),
        "somebody is idle"
    );
    assert_eq!(queue.idle_workers(), 0);
    assert_eq!(idle.join().expect("it takes one"), 3);
}

#[test]
fn worker_that_is_not_back_is_not_waited_for() {
    let queue = Arc::new(Queue::<u32>::new(8, true));
    let now = Instant::now();
    let slow = queue.add_worker();
    queue.file(&mut vec![1_u32], now);
    assert_eq!(queue.take(slow, false), Next::Begin(1));
    let idle = start_idle(&queue);
    assert!(queue.file(&mut vec![2_u32], now + QUICK));
    assert_eq!(idle.join().expect("it takes one"), 2);
}

#[test]
fn after_a_standstill_what_is_left_is_passed_on_at_once() {
    let queue = Arc::new(Queue::<u32>::new(8, true));
    let now = Instant::now();
    let slow = queue.add_worker();
    queue.file(&mut vec![1_u32], now);
    assert_eq!(queue.take(slow, false), Next::Begin(1));
    let idle = [start_idle(&queue), start_idle(&queue)];
    assert!(!queue.file(&mut vec![2_u32, 3], now));
    assert_eq!(
        queue.idle_workers(),
        2,
        "one who will be back was waited for"
    );
    queue.look(now + QUICK, QUICK, Load::Unknown);
    let mut taken = idle.map(|one| one.join().expect("it takes one"));
    taken.sort_unstable();
    assert_eq!(taken, [2, 3]);
}

#[test]
fn queue_that_nobody_looks_at_spares_no_wake() {
    let queue = Arc::new(Queue::<u32>::new(8, false));
    let now = Instant::now();
    let quick = queue.add_worker();
    queue.file(&mut vec![1_u32], now);
    assert_eq!(queue.take(quick, false), Next::Begin(1));
    let idle = start_idle(&queue);
    assert!(queue.file(&mut vec![2_u32], now));
    assert_eq!(idle.join().expect("it takes one"), 2);
}

#[test]
fn what_is_filed_beyond_the_idle_workers_is_not_attended() {
    let queue = Arc::new(Queue::<u32>::new(8, false));
    let now = Instant::now();
    let (busy, idle) = (queue.add_worker(), start_idle(&queue));
    assert!(queue.file(&mut vec![1_u32], now), "one is woken");
    assert_eq!(idle.join().expect("it takes one"), 1);
    let idle = [start_idle(&queue), start_idle(&queue)];
    assert!(
        !queue.file(&mut vec![2_u32, 3, 4], now),
        "two cannot take three at once"
    );
    let mut taken = idle.map(|one| one.join().expect("it takes one"));
    taken.sort_unstable();
    assert_eq!(taken, [2, 3]);
    assert_eq!(queue.take(busy, false), Next::Begin(4));
}

#[test]
fn worker_that_waits_too_long_is_told() {
    let queue = Queue::<u32>::new(4, true);
    let worker = queue.add_worker();
    assert!(!queue.wait(worker, Duration::from_millis(1)));
    queue.remove_worker(worker);
    assert_eq!(queue.workers(), 0);
    assert_eq!(queue.add_worker(), worker, "the place is used again");
}

#[test]
fn closed_queue_takes_nothing_and_is_emptied() {
    let queue = Queue::<u32>::new(4, true);
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
    let queue = Arc::new(Queue::<usize>::new(100_000, true));
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
    let queue = Arc::new(Queue::<u32>::new(4, true));
    let host = queue.add_worker();
    let free = start_idle(&queue);
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

#[test]
fn quick_worker_is_not_waited_for_beside_an_idle_processor() {
    let queue = Arc::new(Queue::<u32>::new(8, true));
    let now = Instant::now();
    let quick = queue.add_worker();
    queue.file(&mut vec![1_u32], now);
    assert_eq!(queue.take(quick, false), Next::Begin(1));
    let idle = start_idle(&queue);
    assert!(!queue.file(&mut vec![2_u32], now));
    queue.look(now, QUICK, Load::Idle);
    assert_eq!(idle.join().expect("it takes one"), 2);
}

#[test]
fn worker_that_computes_is_given_longer() {
    let queue = Arc::new(Queue::<u32>::new(8, true));
    let mut now = Instant::now();
    let slow = queue.add_worker();
    queue.file(&mut vec![1_u32], now);
    assert_eq!(queue.take(slow, false), Next::Begin(1));
    let idle = start_idle(&queue);
    assert!(!queue.file(&mut vec![2_u32], now));
    for _ in 0..4 {
        now += QUICK;
        queue.look(now, QUICK, Load::Busy);
        assert_eq!(queue.idle_workers(), 1);
    }
    queue.look(now + QUICK, QUICK, Load::Busy);
    assert_eq!(idle.join().expect("it takes one"), 2);
}

#[test]
fn own_things_and_new_ones_take_turns() {
    let queue = Queue::<u32>::new(4, true);
    let worker = queue.add_worker();
    queue.file(&mut vec![1_u32, 2], Instant::now());
    for key in 5..9 {
        queue.mail(worker, key);
    }
    let taken: Vec<_> = (0..6).map(|_| queue.take(worker, true)).collect();
    let (begin, go_on) = (Next::Begin, Next::GoOn);
    let turns = [go_on(5), begin(1), go_on(6), begin(2), go_on(7), go_on(8)];
    assert_eq!(taken, turns);
}

#[test]
fn host_leaves_new_things_to_workers_that_may_yet_be_started() {
    let queue = Queue::<u32>::new(8, true).growing(2, 4);
    let now = Instant::now();
    let start = || {
        let worker = queue.add_worker();
        assert!(matches!(queue.take(worker, false), Next::Begin(_)));
        worker
    };
    queue.file(&mut vec![1_u32, 2, 3, 4, 5], now);
    let first = start();
    let second = start();
    queue.look(now + QUICK, QUICK, Load::Unknown);
    assert!(!queue.wants_worker(), "there are as many as usual");
    assert_eq!(queue.take(first, true), Next::Nothing);
    assert!(queue.wants_worker(), "at once");
    assert!(!queue.wants_worker(), "it was told");
    let third = start();
    assert_eq!(queue.take(second, true), Next::Nothing);
    assert!(!queue.wants_worker(), "the third will be back soon");
    assert_eq!(queue.take(third, true), Next::Nothing);
    assert!(queue.wants_worker(), "it is back with half-done things");
    start();
    assert_eq!(queue.take(first, true), Next::Begin(5), "the pool is full");
    assert!(!queue.wants_worker());
}

#[test]
fn worker_beside_hosts_is_asked_for_once_where_views_are_quick() {
    let queue = Queue::<u32>::new(8, true).growing(1, 4);
    let now = Instant::now();
    let host = queue.add_worker();
    queue.take(host, true);
    queue.file(&mut vec![1_u32], now);
    assert_eq!(queue.take(host, true), Next::Nothing);
    assert!(queue.wants_worker());
    let free = queue.add_worker();
    for at in 0..50 {
        queue.file(&mut vec![1_u32], now + at * 2 * QUICK);
        assert_eq!(queue.take(host, true), Next::Nothing);
        assert!(matches!(queue.take(free, false), Next::Begin(_)));
        queue.look(now + (at * 2 + 1) * QUICK, 2 * QUICK, Load::Unknown);
        assert!(!queue.wants_worker());
    }
}

#[test]
fn host_takes_what_waits_if_the_worker_that_was_asked_for_does_not_come() {
    let queue = Queue::<u32>::new(8, true).growing(1, 2);
    let now = Instant::now();
    let host = queue.add_worker();
    queue.take(host, true);
    queue.file(&mut vec![1_u32], now);
    assert_eq!(queue.take(host, true), Next::Nothing);
    queue.file(&mut vec![2_u32], now + COMING);
    assert_eq!(queue.take(host, true), Next::Begin(1));
}
