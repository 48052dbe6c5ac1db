//! Every interleaving of filing, taking and waiting: `RUSTFLAGS="--cfg loom" cargo test -p hipflask-handover --release`.
//!
//! A wake that is lost leaves a thread parked for ever, which loom reports as a deadlock.
#![cfg(loom)]
#![allow(clippy::expect_used, clippy::panic, missing_docs)]

use std::time::{Duration, Instant};

use hipflask_handover::{COMING, Load, Next, QUICK, Queue};
use loom::sync::Arc;
use loom::thread;

fn take_one(queue: &Queue<u32>, worker: usize) -> u32 {
    loop {
        match queue.take(worker, false) {
            Next::Begin(item) => return item,
            Next::Nothing => {
                queue.wait(worker, Duration::from_secs(3600));
            }
            Next::GoOn(_) | Next::Closed => panic!("nobody has sent that"),
        }
    }
}

#[test]
fn one_worker_takes_what_is_filed_in_two_steps() {
    loom::model(|| {
        let queue = Arc::new(Queue::<u32>::new(8, true));
        let filer = Arc::clone(&queue);
        let worker = queue.add_worker();
        let thread = thread::spawn(move || {
            filer.file(&mut vec![1_u32], Instant::now());
            filer.file(&mut vec![2_u32], Instant::now());
        });
        assert_eq!(take_one(&queue, worker), 1);
        assert_eq!(take_one(&queue, worker), 2);
        thread.join().expect("it files only");
    });
}

#[test]
fn worker_that_is_stuck_after_one_does_not_keep_the_other_waiting() {
    loom::model(|| {
        let queue = Arc::new(Queue::<u32>::new(8, true));
        let began = Instant::now();
        let other = Arc::clone(&queue);
        let thread = thread::spawn(move || {
            let worker = other.add_worker();
            take_one(&other, worker);
            other.look(began + QUICK, QUICK, Load::Unknown); // as the I/O thread does, again and again
        });
        let filer = Arc::clone(&queue);
        let filing = thread::spawn(move || filer.file(&mut vec![1_u32, 2], began));
        let worker = queue.add_worker();
        take_one(&queue, worker);
        queue.look(began + 3 * QUICK, QUICK, Load::Unknown);
        thread.join().expect("it takes one");
        filing.join().expect("it files only");
    });
}

#[test]
fn queue_that_nobody_looks_at_is_passed_on_by_who_takes() {
    loom::model(|| {
        let queue = Arc::new(Queue::<u32>::new(8, false));
        let other = Arc::clone(&queue);
        let thread = thread::spawn(move || {
            let worker = other.add_worker();
            take_one(&other, worker);
        });
        let filer = Arc::clone(&queue);
        let filing = thread::spawn(move || filer.file(&mut vec![1_u32, 2], Instant::now()));
        let worker = queue.add_worker();
        take_one(&queue, worker);
        thread.join().expect("it takes one");
        filing.join().expect("it files only");
    });
}

#[test]
fn worker_that_ends_leaves_nothing_behind_that_it_was_waited_for_with() {
    loom::model(|| {
        let queue = Arc::new(Queue::<u32>::new(8, true));
        let began = Instant::now();
        let worker = queue.add_worker();
        queue.file(&mut vec![1_u32], began);
        take_one(&queue, worker);
        let other = Arc::clone(&queue);
        let thread = thread::spawn(move || {
            let worker = other.add_worker();
            take_one(&other, worker);
        });
        let filer = Arc::clone(&queue);
        let filing = thread::spawn(move || filer.file(&mut vec![2_u32], began));
        queue.remove_worker(worker);
        thread.join().expect("it takes one");
        filing.join().expect("it files only");
    });
}

#[test]
fn worker_with_half_done_things_and_one_that_comes_back_need_nobody_to_look() {
    loom::model(|| {
        let queue = Arc::new(Queue::<u32>::new(8, true));
        let began = Instant::now();
        let worker = queue.add_worker();
        queue.file(&mut vec![1_u32], began);
        take_one(&queue, worker);
        let host = Arc::clone(&queue);
        let hosting = thread::spawn(move || {
            let worker = host.add_worker();
            loop {
                match host.take(worker, true) {
                    Next::Closed => return,
                    Next::Begin(_) => host.close(),
                    _ => _ = host.wait(worker, Duration::from_secs(3600)),
                }
            }
        });
        let filer = Arc::clone(&queue);
        let filing = thread::spawn(move || filer.file(&mut vec![2_u32], began));
        loop {
            match queue.take(worker, false) {
                Next::Closed => break,
                Next::Begin(_) => queue.close(),
                _ => _ = queue.wait(worker, Duration::from_secs(3600)),
            }
        }
        hosting.join().expect("it ends when all is taken");
        filing.join().expect("it files only");
    });
}

#[test]
fn nothing_is_left_behind_by_a_worker_with_half_done_things() {
    loom::model(|| {
        let queue = Arc::new(Queue::<u32>::new(8, true));
        let host = Arc::clone(&queue);
        let hosting = thread::spawn(move || {
            let worker = host.add_worker();
            loop {
                match host.take(worker, true) {
                    Next::Begin(_) => return,
                    _ => _ = host.wait(worker, Duration::from_secs(3600)),
                }
            }
        });
        let worker = queue.add_worker();
        let began = Instant::now();
        queue.file(&mut vec![1_u32, 2], began);
        take_one(&queue, worker);
        queue.look(began + QUICK, QUICK, Load::Unknown); // as the I/O thread does, again and again
        hosting.join().expect("it takes one");
    });
}

#[test]
fn mail_wakes_its_worker() {
    loom::model(|| {
        let queue = Arc::new(Queue::<u32>::new(8, true));
        let worker = queue.add_worker();
        let sender = Arc::clone(&queue);
        let thread = thread::spawn(move || sender.mail(worker, 7));
        loop {
            match queue.take(worker, false) {
                Next::GoOn(key) => break assert_eq!(key, 7),
                Next::Nothing => {
                    queue.wait(worker, Duration::from_secs(3600));
                }
                _ => panic!("nobody has filed anything"),
            }
        }
        thread.join().expect("it sends only");
    });
}

#[test]
fn closing_ends_a_worker_that_waits() {
    loom::model(|| {
        let queue = Arc::new(Queue::<u32>::new(8, true));
        let worker = queue.add_worker();
        let closer = Arc::clone(&queue);
        let thread = thread::spawn(move || closer.close());
        while queue.take(worker, false) != Next::Closed {
            queue.wait(worker, Duration::from_secs(3600));
        }
        thread.join().expect("it closes only");
    });
}

#[test]
fn worker_that_is_asked_for_finds_what_a_host_has_left() {
    loom::model(|| {
        let queue = Arc::new(Queue::<u32>::new(8, true).growing(1, 2));
        let began = Instant::now();
        let host = queue.add_worker();
        assert_eq!(queue.take(host, true), Next::Nothing);
        let filer = Arc::clone(&queue);
        let filing = thread::spawn(move || {
            filer.file(&mut vec![1_u32], began);
            filer.look(began + QUICK, QUICK, Load::Unknown);
            assert!(filer.wants_worker(), "somebody has asked by now");
            let worker = filer.add_worker();
            assert_eq!(take_one(&filer, worker), 1);
            filer.close();
        });
        loop {
            match queue.take(host, true) {
                Next::Closed => break,
                Next::Nothing => _ = queue.wait(host, Duration::from_secs(3600)),
                _ => panic!("it was left to the other"),
            }
        }
        filing.join().expect("it takes one");
    });
}

#[test]
fn host_takes_what_nobody_comes_for() {
    loom::model(|| {
        let queue = Arc::new(Queue::<u32>::new(8, true).growing(1, 2));
        let began = Instant::now();
        let host = queue.add_worker();
        assert_eq!(queue.take(host, true), Next::Nothing);
        let filer = Arc::clone(&queue);
        let filing = thread::spawn(move || {
            filer.file(&mut vec![1_u32], began);
            filer.look(began + QUICK, QUICK, Load::Unknown);
            filer.look(began + QUICK + COMING, QUICK, Load::Unknown);
        });
        while queue.take(host, true) != Next::Begin(1) {
            queue.wait(host, Duration::from_secs(3600));
        }
        filing.join().expect("it files only");
    });
}
