//! Sockets as they come from outside: inherited descriptors become listeners, connections become streams.
//!
//! `unsafe` is here and in `bridge/snapshot.rs` only: a descriptor is a number, and that it is open is the caller's
//! word; and no library has a safe function for what is unsent.

use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::net::{self, Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net as unix;
use std::time::Duration;

use mio::event::Source;
use mio::{Interest, Registry, Token};
#[cfg(target_os = "linux")]
use rustix::net::SendFlags;

/// Where a listener can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The address, or the path of a Unix socket.
    pub host: String,
    /// The port; none for a Unix socket.
    pub port: Option<u16>,
}

/// A socket that connections are accepted from.
#[derive(Debug)]
pub enum Listener {
    Tcp(mio::net::TcpListener),
    Unix(mio::net::UnixListener),
}

/// One connection.
#[derive(Debug)]
pub enum Stream {
    Tcp(mio::net::TcpStream),
    Unix(mio::net::UnixStream),
}

/// Returns a descriptor of our own for the same open file.
fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(9)); // EBADF; -1 would be undefined behaviour below
    }
    #[allow(unsafe_code)]
    // SAFETY: only for this call, which fails if nothing is open under that number
    unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned()
}

/// Returns how many bytes a TCP socket holds to be sent, or sent again.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
fn unacknowledged(socket: BorrowedFd<'_>) -> u64 {
    use rustix::ioctl::{Getter, Opcode, ioctl};

    const SIOCOUTQ: Opcode = 0x5411; // another on some other processors
    #[allow(unsafe_code)]
    // SAFETY: it writes one int, and changes nothing (tcp(7))
    let found = unsafe { ioctl(socket, Getter::<SIOCOUTQ, i32>::new()) };
    found.map_or(0, |size| u64::try_from(size).unwrap_or(0))
}

/// There is no way to ask.
#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
const fn unacknowledged(_: BorrowedFd<'_>) -> u64 {
    0
}

/// Returns the open file behind a descriptor; the descriptor stays the caller's.
pub fn file_of(fd: RawFd) -> io::Result<File> {
    duplicate(fd).map(File::from)
}

impl Listener {
    /// Makes a listener of a descriptor, which stays the caller's.
    pub fn adopt(fd: RawFd) -> io::Result<Self> {
        let tcp = net::TcpListener::from(duplicate(fd)?);
        if tcp.local_addr().is_ok() {
            tcp.set_nonblocking(true)?;
            return Ok(Self::Tcp(mio::net::TcpListener::from_std(tcp)));
        }
        let unix = unix::UnixListener::from(OwnedFd::from(tcp));
        unix.local_addr()?;
        unix.set_nonblocking(true)?;
        Ok(Self::Unix(mio::net::UnixListener::from_std(unix)))
    }

    /// Returns where it listens.
    pub fn address(&self) -> Address {
        match self {
            Self::Tcp(socket) => {
                let address = socket.local_addr().ok();
                Address {
                    host: address.map_or_else(String::new, |found| found.ip().to_string()),
                    port: Some(address.map_or(0, |found| found.port())),
                }
            }
            Self::Unix(socket) => {
                let address = socket.local_addr().ok();
                let path = address.as_ref().and_then(|found| found.as_pathname());
                Address {
                    host: path.map_or_else(String::new, |path| path.to_string_lossy().into_owned()),
                    port: None,
                }
            }
        }
    }

    /// Accepts one connection; the peer's address is none on a Unix socket.
    pub fn accept(&self) -> io::Result<(Stream, Option<SocketAddr>)> {
        match self {
            Self::Tcp(socket) => {
                let (stream, peer) = socket.accept()?;
                let _ = stream.set_nodelay(true); // a client that is gone already fails at the first read
                Ok((Stream::Tcp(stream), Some(peer)))
            }
            Self::Unix(socket) => socket
                .accept()
                .map(|(stream, _)| (Stream::Unix(stream), None)),
        }
    }

    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(socket) => socket,
            Self::Unix(socket) => socket,
        }
    }

    /// Has the poll tell of connections.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.source().register(registry, token, Interest::READABLE)
    }

    /// Ends that.
    pub fn deregister(&mut self, registry: &Registry) {
        let _ = self.source().deregister(registry); // it was registered, or nothing is lost
    }
}

impl Stream {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(stream) => stream,
            Self::Unix(stream) => stream,
        }
    }

    /// Has the poll tell what can be read and written.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.source()
            .register(registry, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Reads what has come.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }

    /// Writes what the socket takes.
    pub fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(data),
            Self::Unix(stream) => stream.write(data),
        }
    }

    /// Writes what the socket takes, to be sent together with what is written next.
    #[cfg(target_os = "linux")]
    pub fn write_more(&mut self, data: &[u8]) -> io::Result<usize> {
        let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
        rustix::net::send(self.descriptor(), data, flags).map_err(io::Error::from)
    }

    /// Writes what the socket takes.
    #[cfg(not(target_os = "linux"))]
    pub fn write_more(&mut self, data: &[u8]) -> io::Result<usize> {
        self.write(data)
    }

    /// Writes several pieces at once, as far as the socket takes them.
    pub fn write_vectored(&mut self, data: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write_vectored(data),
            Self::Unix(stream) => stream.write_vectored(data),
        }
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }

    /// Returns how many of the bytes written the other side's system has not taken; 0 where that cannot be told.
    pub fn untaken(&self) -> u64 {
        match self {
            Self::Tcp(stream) => unacknowledged(stream.as_fd()),
            Self::Unix(_) => 0, // the system tells the memory that they take
        }
    }

    /// Writes a part of a file without having it pass through this process.
    #[cfg(target_os = "linux")]
    pub fn send_file(&mut self, file: &File, offset: u64, size: usize) -> io::Result<usize> {
        let mut at = offset;
        rustix::fs::sendfile(self.descriptor(), file, Some(&mut at), size).map_err(io::Error::from)
    }

    /// Writes a part of a file.
    #[cfg(not(target_os = "linux"))]
    pub fn send_file(&mut self, file: &File, offset: u64, size: usize) -> io::Result<usize> {
        use std::os::unix::fs::FileExt;

        let mut piece = vec![0; size.min(64 * 1024)];
        let read = file.read_at(&mut piece, offset)?;
        match piece.get(..read) {
            Some(data) if read > 0 => self.write(data),
            _ => Ok(0),
        }
    }

    /// Tells the client that nothing more comes.
    pub fn end_sending(&mut self) {
        // One that is gone cannot be told.
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        };
    }

    /// Has the closing show the client a broken connection instead of an end.
    pub fn reset_on_close(&self) {
        let _ = rustix::net::sockopt::set_socket_linger(self.descriptor(), Some(Duration::ZERO));
    }
}
