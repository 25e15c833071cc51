//! [`Batch`]: many datagrams with one system call, in and out.
//!
//! The only `unsafe` of the road stands here: `recvmmsg`, `sendmmsg` and
//! `sendmsg` take raw pointers to buffers.  All buffers are owned by whoever
//! calls and outlive the call; pointers are made anew before each call and
//! never kept; what the kernel wrote is read as octets, within the lengths it
//! reported, by safe code (`control`).
//
//  No library: those that wrap these calls allocate, or send to one address.
//  The tests of `listen` run under AddressSanitizer: `tests/run asan`.

#![expect(clippy::cast_possible_truncation, reason = "sizes of small buffers, in the types of C")]

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::ptr;

use super::super::datagram::Datagram;
use super::control;
use super::control::Control;
use super::control::Name;

/// Datagrams taken at once.  More do not make it faster and take memory.
pub(super) const SIZE: usize = 32;

/// The longest datagram that is read whole, in octets.  A longer one is no
/// query anybody sends; what is left of it is malformed.
const LONGEST: usize = 4096;

/// From one datagram to the next, in octets: not a multiple of a page, or all
/// of them would want the same place in the processor's cache.
const ROOM: usize = LONGEST + 64;

/// Room for an answer, in octets: the largest datagram we send.
const ANSWER: usize = crate::answer::UDP_SIZE as usize;

//----------- Way --------------------------------------------------------------

/// From where to where an answer goes.
#[derive(Clone, Copy)]
pub(super) struct Way {
    /// Whom it goes to.
    name: Name,
    /// How long that is.
    name_length: libc::socklen_t,
    /// From which address of ours it leaves.
    control: Control,
    /// How long that is; 0 if the socket has one address only.
    control_length: usize,
}

impl Way {
    /// Sends an answer, if there is room for it in the socket.
    #[expect(unsafe_code, reason = "sendmsg; see the top of this file")]
    pub(super) fn send(&self, socket: &UdpSocket, answer: &[u8]) -> io::Result<()> {
        let mut way = *self;
        let mut vector = libc::iovec { iov_base: answer.as_ptr().cast_mut().cast(), iov_len: answer.len() };
        let mut header = empty_header().msg_hdr;
        header.msg_iov = &raw mut vector;
        header.msg_iovlen = 1;
        way.fill(&mut header);
        // SAFETY: `header` points to `vector`, which points to `answer`, and to
        // the name and maybe the control of `way`, all alive until the call
        // returns, with their lengths; the kernel only reads what they point to.
        let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const header, libc::MSG_DONTWAIT) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Addresses a message.
    fn fill(&mut self, header: &mut libc::msghdr) {
        header.msg_name = (&raw mut self.name).cast();
        header.msg_namelen = self.name_length;
        let length = control::answer_from(self.control.octets(self.control_length));
        if length > 0 {
            header.msg_control = (&raw mut self.control).cast();
            header.msg_controllen = length as _;
        }
    }
}

//----------- Batch ------------------------------------------------------------

/// Buffers for datagrams and their answers.
pub(super) struct Batch {
    /// What came in, [`ROOM`] octets each.
    incoming: Box<[u8]>,
    /// How long it is.
    lengths: [usize; SIZE],
    /// From whom it came and to whom.
    ways: Box<[Way; SIZE]>,
    /// The answers; an empty one is not sent.
    answers: Box<[Vec<u8>; SIZE]>,
}

impl Batch {
    /// Returns an empty batch.
    pub(super) fn new() -> Self {
        let way = Way { name: Name::EMPTY, name_length: 0, control: Control::EMPTY, control_length: 0 };
        Self {
            incoming: vec![0; SIZE * ROOM].into_boxed_slice(),
            lengths: [0; SIZE],
            ways: Box::new([way; SIZE]),
            answers: Box::new(std::array::from_fn(|_| Vec::with_capacity(ANSWER))),
        }
    }

    /// Takes the datagrams that are there, up to [`SIZE`], and returns how
    /// many; if there are none, `wait` says whether to wait for one.
    #[expect(unsafe_code, reason = "recvmmsg; see the top of this file")]
    pub(super) fn receive(&mut self, socket: &UdpSocket, wait: bool) -> io::Result<usize> {
        let mut vectors = [EMPTY_VECTOR; SIZE];
        let mut headers = [empty_header(); SIZE];
        let rooms = self.incoming.chunks_exact_mut(ROOM).zip(self.ways.iter_mut());
        for ((header, vector), (room, way)) in headers.iter_mut().zip(&mut vectors).zip(rooms) {
            *vector = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: LONGEST };
            let message = &mut header.msg_hdr;
            message.msg_name = (&raw mut way.name).cast();
            message.msg_namelen = Name::SIZE as libc::socklen_t;
            message.msg_iov = &raw mut *vector;
            message.msg_iovlen = 1;
            message.msg_control = (&raw mut way.control).cast();
            message.msg_controllen = Control::SIZE as _;
        }
        let flags = if wait { libc::MSG_WAITFORONE } else { libc::MSG_DONTWAIT };
        // SAFETY: `headers` has SIZE entries.  Each points to an `iovec` in
        // `vectors` and to the name and control of a `Way`, all alive and not
        // used by anybody else until the call returns, with the lengths given;
        // each `iovec` points to LONGEST octets of its own chunk of `incoming`.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                SIZE as libc::c_uint,
                flags as _,
                ptr::null_mut(),
            )
        };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?.min(SIZE);
        for (nth, header) in headers.iter().take(count).enumerate() {
            self.lengths[nth] = (header.msg_len as usize).min(LONGEST);
            self.ways[nth].name_length = header.msg_hdr.msg_namelen.min(Name::SIZE as libc::socklen_t);
            self.ways[nth].control_length = length(header.msg_hdr.msg_controllen).min(Control::SIZE);
        }
        Ok(count)
    }

    /// Returns a datagram of the last batch, the way back, and the room for its
    /// answer; none if it came from nowhere, as when the socket is shut.
    pub(super) fn get(&mut self, nth: usize) -> Option<(Datagram<'_>, &Way, &mut Vec<u8>)> {
        let way = self.ways.get_mut(nth)?;
        let start = nth * ROOM;
        let bytes = self.incoming.get(start..start + self.lengths.get(nth)?)?;
        let peer = control::peer(way.name.octets(way.name_length as usize))?;
        let asked = control::asked(way.control.octets(way.control_length));
        Some((Datagram { bytes, peer, asked }, way, self.answers.get_mut(nth)?))
    }

    /// Sends the answers of the last batch, which had `count` datagrams, and
    /// empties them.  Returns how many could not be sent.
    #[expect(unsafe_code, reason = "sendmmsg; see the top of this file")]
    pub(super) fn send(&mut self, socket: &UdpSocket, count: usize) -> usize {
        let mut vectors = [EMPTY_VECTOR; SIZE];
        let mut headers = [empty_header(); SIZE];
        let mut ready = 0;
        let answers = self.answers.iter_mut().zip(self.ways.iter_mut()).take(count);
        let mut free = headers.iter_mut().zip(&mut vectors);
        for (answer, way) in answers.filter(|(answer, _)| !answer.is_empty()) {
            let Some((header, vector)) = free.next() else { break };
            *vector = libc::iovec { iov_base: answer.as_mut_ptr().cast(), iov_len: answer.len() };
            header.msg_hdr.msg_iov = &raw mut *vector;
            header.msg_hdr.msg_iovlen = 1;
            way.fill(&mut header.msg_hdr);
            ready += 1;
        }
        let (mut done, mut failed) = (0, 0);
        while done < ready {
            // SAFETY: the headers from `done` to `ready` were filled above and
            // point to an `iovec`, a name and maybe a control that are alive
            // until the call returns, with their lengths; the kernel only reads
            // what they point to.
            let sent = unsafe {
                libc::sendmmsg(
                    socket.as_raw_fd(),
                    headers[done..ready].as_mut_ptr(),
                    (ready - done) as libc::c_uint,
                    // A socket that is full must not hold up the others.
                    libc::MSG_DONTWAIT as _,
                )
            };
            match usize::try_from(sent) {
                Ok(sent) if sent > 0 => done += sent,
                _ if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                // It is about the first of them; the others get their chance.
                _ => {
                    failed += 1;
                    done += 1;
                }
            }
        }
        for answer in self.answers.iter_mut().take(count) {
            answer.clear();
        }
        failed
    }
}

/// Returns a length, which is of this type or that on different platforms.
fn length(length: impl TryInto<usize>) -> usize {
    length.try_into().unwrap_or(0)
}

/// Points nowhere.
const EMPTY_VECTOR: libc::iovec = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };

/// Returns a header that points nowhere.
#[expect(unsafe_code, reason = "a C struct with padding that only zeroing fills on all platforms")]
fn empty_header() -> libc::mmsghdr {
    // SAFETY: integers and raw pointers, for which all zeroes are valid.
    unsafe { std::mem::zeroed() }
}
