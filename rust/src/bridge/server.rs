//! `_native.Server`: the I/O thread's handle, and where Python's threads get their work.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, UNIX_EPOCH};

use mio::{Poll, Waker};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::head::Head;
use super::text::latin1;
use super::{Bell, Core, Held, Inbox, Tasks, Work, lock};
use crate::config::{Settings, seconds};
use crate::door::Door;
use crate::journal::{Answered, Journal};
use crate::listener::Listener;
use crate::places::Places;
use crate::proxies;
use crate::reply::{Replies, promise_flush};
use crate::server::{Server as IoServer, Stop, WAKER};
use hipflask_handover::{Next, Queue};

/// After this time without work, a thread beyond the usual number ends.
const IDLE: Duration = Duration::from_secs(30);

/// A server: made, started once, asked to stop.
#[pyclass(frozen, module = "hipflask.server._native")]
pub struct Server {
    core: Arc<Core>,
    io: Mutex<Option<IoServer>>,
}

#[pymethods]
impl Server {
    #[new]
    fn new(settings: Settings, descriptors: Vec<i32>, is_sorted: bool) -> PyResult<Self> {
        let settings = Arc::new(settings);
        let poll = Poll::new()?;
        let places = Arc::new(Places::new(settings.most_streams()));
        let waker = Waker::new(poll.registry(), WAKER)?;
        let core = Arc::new(Core {
            replies: Arc::new(Replies::new(waker)),
            journal: Arc::new(Journal::default()),
            stop: Arc::new(Stop::default()),
            // What the event loop files, the I/O thread does not always know of.
            queue: Queue::new(settings.queue_size, !is_sorted)
                .growing(settings.threads, settings.most_threads()),
            held: Held::new(places, settings.queue_size),
            inbox: Mutex::new(Inbox::default()),
            loop_bell: Bell::new()?,
            tasks: Mutex::new(Tasks::default()),
            keeper_bell: Bell::new()?,
            is_sorted,
            is_told: AtomicBool::new(false),
            approved_host: Mutex::new(Vec::new()),
            settings,
        });
        let listeners = descriptors.into_iter().map(Listener::adopt);
        let io = IoServer::new(
            poll,
            listeners.collect::<std::io::Result<_>>()?,
            Arc::clone(&core.settings),
            Arc::clone(&core) as Arc<dyn Door>,
            Arc::clone(&core.replies),
            Arc::clone(&core.journal),
            Arc::clone(&core.stop),
        );
        Ok(Self {
            core,
            io: Mutex::new(Some(io)),
        })
    }

    fn start(&self) -> PyResult<()> {
        let Some(io) = lock(&self.io).take() else {
            return Err(PyRuntimeError::new_err("The server was started already."));
        };
        let core = Arc::clone(&self.core);
        std::thread::Builder::new()
            .name("hipflask-io".to_owned())
            .spawn(move || {
                let run = std::panic::AssertUnwindSafe(|| io.run());
                if let Err(payload) = std::panic::catch_unwind(run) {
                    let text = payload.downcast_ref::<&str>().copied();
                    let text = text.or_else(|| payload.downcast_ref::<String>().map(|s| &**s));
                    let text = text.unwrap_or("it does not say why");
                    core.end(Some(format!("the I/O thread panicked: {text}")));
                }
            })?;
        Ok(())
    }

    fn stop(&self, graceful_seconds: f64) {
        self.core.stop.ask(seconds(graceful_seconds));
        self.core.replies.wake();
    }

    // For workers

    fn add_worker(&self) -> usize {
        promise_flush(true);
        self.core.queue.add_worker()
    }

    fn remove_worker(&self, worker: usize) {
        promise_flush(false);
        self.core.replies.flush();
        self.core.queue.remove_worker(worker);
    }

    fn take<'py>(
        &self,
        py: Python<'py>,
        worker: usize,
        may_end: bool,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let queue = &self.core.queue;
        loop {
            let next = match queue.take(worker, !may_end) {
                Next::Begin(Work::New(request)) => {
                    let Some(head) = self.core.head_of(py, request) else {
                        continue;
                    };
                    return Ok(Some(head.into_bound(py).into_any()));
                }
                Next::Begin(Work::Sorted(head, _)) => {
                    // The I/O thread does not know that the event loop has filed it.
                    self.core.replies.flush();
                    if !queue.is_empty() {
                        self.core.tell(); // whoever was to take that may have taken something else
                    }
                    return Ok(Some(head.into_bound(py).into_any()));
                }
                other => other,
            };
            self.core.replies.flush();
            if !queue.is_empty() {
                self.core.grow(); // it has half-done things, and leaves what is new to one that is asked for
                self.core.tell();
            }
            match next {
                Next::Begin(_) => {} // was returned above
                Next::GoOn(key) => return Ok(Some(key.into_pyobject(py)?.into_any())),
                Next::Closed => return Ok(None),
                Next::Nothing => {
                    let is_woken = py.detach(|| queue.wait(worker, IDLE));
                    let is_needed = queue.workers() <= self.core.settings.threads;
                    if !is_woken && may_end && !is_needed {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn wait_for(&self, py: Python<'_>, worker: usize, key: u64) {
        py.detach(|| self.core.queue.wait_for(worker, key));
    }

    fn close_queue(&self) {
        self.core.queue.close();
    }

    fn post(&self, key: u64) {
        self.core.resume(&mut vec![key]);
    }

    // For the event loop

    fn loop_descriptor(&self) -> i32 {
        self.core.loop_bell.descriptor()
    }

    #[pyo3(signature = (is_done=true))]
    fn flush(&self, is_done: bool) {
        self.core.replies.flush();
        if is_done {
            let mut inbox = lock(&self.core.inbox);
            inbox.is_busy = !inbox.requests.is_empty();
        }
    }

    fn take_sorted<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyList>, Vec<u64>)> {
        self.core.loop_bell.hush();
        let mut inbox = lock(&self.core.inbox);
        let requests = std::mem::take(&mut inbox.requests);
        let keys = std::mem::take(&mut inbox.keys);
        drop(inbox);
        let heads = PyList::empty(py);
        for request in requests {
            if let Some(head) = self.core.head_of(py, request) {
                heads.append(head)?;
            }
        }
        Ok((heads, keys))
    }

    fn file<'py>(&self, heads: Vec<Bound<'py, Head>>) -> Vec<Py<Head>> {
        let works = heads.into_iter().map(|head| {
            let request = Arc::clone(&head.get().request);
            Work::Sorted(head.unbind(), request)
        });
        let left = self.core.file_sorted(works.collect(), Instant::now());
        left.into_iter().filter_map(Work::into_head).collect()
    }

    // For the keeper

    fn keeper_descriptor(&self) -> i32 {
        self.core.keeper_bell.descriptor()
    }

    fn take_tasks(&self) -> (bool, bool, Option<String>) {
        self.core.keeper_bell.hush();
        let mut tasks = lock(&self.core.tasks);
        let wants_worker = std::mem::take(&mut tasks.wants_worker);
        (wants_worker, tasks.is_ended, tasks.error.clone())
    }

    fn take_report<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyList>, Bound<'py, PyList>, u64, u64)> {
        let report = self.core.journal.take();
        let answers = PyList::empty(py);
        for answer in &report.answers {
            answers.append(access_of(py, answer, self.core.settings.trusted_proxies)?)?;
        }
        let refusals = PyList::empty(py);
        for refusal in &report.refusals {
            let peer = refusal
                .peer
                .map(|peer| (peer.ip().to_string(), peer.port()));
            refusals.append((peer, refusal.status, refusal.reason))?;
        }
        let (refused, answered) = (report.left_out_refusals, report.left_out_answers);
        Ok((answers, refusals, refused, answered))
    }
}

/// Returns the fields of `hipflask.server.native.Access`.
fn access_of<'py>(
    py: Python<'py>,
    answer: &Answered,
    trusted_proxies: usize,
) -> PyResult<Bound<'py, PyTuple>> {
    let request = &answer.request;
    let bytes = &request.bytes;
    let field = |wanted: &[u8]| {
        let mut fields = request.head.fields(bytes);
        let found = fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        latin1(py, found.map_or(b"", |(_, value)| value))
    };
    let peer = request.peer;
    let client = match proxies::client(request, trusted_proxies) {
        Some(host) => Some((host, peer.map_or(0, |peer| peer.port()))),
        None => peer.map(|peer| (peer.ip().to_string(), peer.port())),
    };
    let started = request.arrived_at.duration_since(UNIX_EPOCH);
    (
        client,
        latin1(py, request.head.method.of(bytes)),
        latin1(py, request.head.target.of(bytes)),
        if request.head.minor_version == 0 {
            "1.0"
        } else {
            "1.1"
        },
        answer.status,
        answer.body_bytes,
        started.map_or(0.0, |since| since.as_secs_f64()),
        answer.duration.as_secs_f64(),
        field(b"referer"),
        field(b"user-agent"),
        answer.is_complete,
    )
        .into_pyobject(py)
}
