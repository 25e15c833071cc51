//! [`Batch`]: many datagrams with one system call, in and out.
//!
//! The only `unsafe` of the road stands here: `recvmmsg` and `sendmmsg` take
//! raw pointers to buffers.  All buffers are owned by the batch and outlive the
//! call; pointers are made anew before each call and never kept; what the
//! kernel wrote is read as octets, within the lengths it reported, by safe code.
//
//  No library: those that wrap these calls allocate, or send to one address.
//  Tests of this file run under AddressSanitizer (`tests/run asan`).

use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::SocketAddrV6;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::ptr;

/// Datagrams taken at once.  More do not make it faster and take memory.
pub const SIZE: usize = 32;

/// Room for a query, in octets.  A longer one is no query anybody sends.
const ROOM: usize = 4096;

/// An address as the kernel writes it: `sockaddr_in` or `sockaddr_in6`.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Name([u8; 28]);

/// Control messages as the kernel writes them; ours are one `IP_PKTINFO` or
/// `IPV6_PKTINFO`.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; 64]);

/// A datagram that came in.
#[derive(Clone, Copy)]
pub struct Datagram<'a> {
    /// What it says.
    pub bytes: &'a [u8],
    /// Who sent it.
    pub peer: SocketAddr,
    /// To which address of ours, where the socket has several.
    pub asked: Option<IpAddr>,
    /// Whether there was more than there was room for.
    pub cut: bool,
}

//----------- Batch ------------------------------------------------------------

/// Buffers for datagrams and their answers.
pub struct Batch {
    /// What came in, [`ROOM`] octets each.
    incoming: Box<[u8]>,
    /// How long it is.
    lengths: [usize; SIZE],
    /// Flags of what came in.
    flags: [libc::c_int; SIZE],
    /// From whom it came, and where its answer goes.
    names: Box<[Name; SIZE]>,
    /// How long these addresses are.
    name_lengths: [libc::socklen_t; SIZE],
    /// To which address of ours it came, and from where its answer leaves.
    controls: Box<[Control; SIZE]>,
    /// How long these are.
    control_lengths: [usize; SIZE],
    /// The answers; an empty one is not sent.
    answers: Box<[Vec<u8>; SIZE]>,
}

impl Batch {
    /// Returns an empty batch.
    pub fn new() -> Self {
        Self {
            incoming: vec![0; SIZE * ROOM].into_boxed_slice(),
            lengths: [0; SIZE],
            flags: [0; SIZE],
            names: Box::new([Name([0; 28]); SIZE]),
            name_lengths: [0; SIZE],
            controls: Box::new([Control([0; 64]); SIZE]),
            control_lengths: [0; SIZE],
            answers: Box::new(std::array::from_fn(|_| Vec::with_capacity(super::ANSWER))),
        }
    }

    /// Waits for at least one datagram, takes all that are there up to
    /// [`SIZE`], and returns how many.
    #[expect(unsafe_code, reason = "recvmmsg; see the top of this file")]
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        let mut vectors: [libc::iovec; SIZE] =
            [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; SIZE];
        let mut headers = [empty_header(); SIZE];
        for (vector, room) in vectors.iter_mut().zip(self.incoming.chunks_exact_mut(ROOM)) {
            *vector = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: ROOM };
        }
        for (nth, header) in headers.iter_mut().enumerate() {
            let message = &mut header.msg_hdr;
            message.msg_name = (&raw mut self.names[nth]).cast();
            message.msg_namelen = size_of::<Name>() as libc::socklen_t;
            message.msg_iov = &raw mut vectors[nth];
            message.msg_iovlen = 1;
            message.msg_control = (&raw mut self.controls[nth]).cast();
            message.msg_controllen = size_of::<Control>() as _;
        }
        // SAFETY: `headers` has SIZE entries.  Each points to one `iovec` in
        // `vectors`, to a `Name` and to a `Control`, all alive and not used by
        // anybody else until the call returns, with the lengths given; each
        // `iovec` points to ROOM octets of its own chunk of `incoming`.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                SIZE as libc::c_uint,
                libc::MSG_WAITFORONE as _,
                ptr::null_mut(),
            )
        };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?.min(SIZE);
        for (nth, header) in headers.iter().take(count).enumerate() {
            self.lengths[nth] = (header.msg_len as usize).min(ROOM);
            self.flags[nth] = header.msg_hdr.msg_flags;
            self.name_lengths[nth] = header.msg_hdr.msg_namelen.min(size_of::<Name>() as libc::socklen_t);
            self.control_lengths[nth] = (header.msg_hdr.msg_controllen as usize).min(size_of::<Control>());
        }
        Ok(count)
    }

    /// Returns a datagram of the last batch and the room for its answer; none
    /// if it came from nowhere.
    pub fn get(&mut self, nth: usize) -> (Option<Datagram<'_>>, &mut Vec<u8>) {
        let start = nth * ROOM;
        let bytes = &self.incoming[start..start + self.lengths[nth]];
        let control = &self.controls[nth].0[..self.control_lengths[nth]];
        let datagram = peer(&self.names[nth].0[..self.name_lengths[nth] as usize]).map(|peer| Datagram {
            bytes,
            peer,
            asked: asked(control),
            cut: self.flags[nth] & libc::MSG_TRUNC != 0,
        });
        (datagram, &mut self.answers[nth])
    }

    /// Sends the answers of the last batch, which had `count` datagrams, and
    /// empties them.  Returns how many could not be sent.
    #[expect(unsafe_code, reason = "sendmmsg; see the top of this file")]
    pub fn send(&mut self, socket: &UdpSocket, count: usize) -> usize {
        let mut vectors: [libc::iovec; SIZE] =
            [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; SIZE];
        let mut headers = [empty_header(); SIZE];
        let mut ready = 0;
        for nth in (0..count.min(SIZE)).filter(|&nth| !self.answers[nth].is_empty()) {
            let answer = &self.answers[nth];
            vectors[ready] = libc::iovec { iov_base: answer.as_ptr().cast_mut().cast(), iov_len: answer.len() };
            let control = &mut self.controls[nth].0[..self.control_lengths[nth]];
            let control_length = answer_from(control);
            let message = &mut headers[ready].msg_hdr;
            message.msg_name = (&raw mut self.names[nth]).cast();
            message.msg_namelen = self.name_lengths[nth];
            message.msg_iov = &raw mut vectors[ready];
            message.msg_iovlen = 1;
            if control_length > 0 {
                message.msg_control = (&raw mut self.controls[nth]).cast();
                message.msg_controllen = control_length as _;
            }
            ready += 1;
        }
        let (mut done, mut failed) = (0, 0);
        while done < ready {
            // SAFETY: the headers from `done` to `ready` were filled above and
            // point to an `iovec`, a `Name` and maybe a `Control` that are alive
            // until the call returns; the kernel only reads what they point to.
            let sent = unsafe {
                libc::sendmmsg(
                    socket.as_raw_fd(),
                    headers[done..ready].as_mut_ptr(),
                    (ready - done) as libc::c_uint,
                    0,
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
        for answer in &mut self.answers[..count.min(SIZE)] {
            answer.clear();
        }
        failed
    }
}

/// Returns a header that points nowhere.
#[expect(unsafe_code, reason = "a C struct with padding that only zeroing fills on all platforms")]
fn empty_header() -> libc::mmsghdr {
    // SAFETY: integers and raw pointers, for which all zeroes are valid.
    unsafe { std::mem::zeroed() }
}

//----------- Octets of the kernel ---------------------------------------------

/// Reads an address.
fn peer(name: &[u8]) -> Option<SocketAddr> {
    let family = libc::c_int::from(u16::from_ne_bytes(*name.first_chunk()?));
    let port = u16::from_be_bytes(*name.get(2..)?.first_chunk()?);
    match family {
        libc::AF_INET => {
            let octets: [u8; 4] = *name.get(4..)?.first_chunk()?;
            Some(SocketAddr::from((octets, port)))
        }
        libc::AF_INET6 => {
            let octets: [u8; 16] = *name.get(8..)?.first_chunk()?;
            let scope = u32::from_ne_bytes(*name.get(24..)?.first_chunk()?);
            Some(SocketAddrV6::new(octets.into(), port, 0, scope).into())
        }
        _ => None,
    }
}

/// The length of the header of a control message, in octets.
const HEAD: usize = size_of::<libc::cmsghdr>();

/// Returns what the only control message is about: its level, its type and
/// where its data begins and ends.
fn about(control: &[u8]) -> Option<(libc::c_int, libc::c_int, std::ops::Range<usize>)> {
    const WORD: usize = size_of::<usize>();
    let length = usize::from_ne_bytes(*control.first_chunk()?);
    let level = libc::c_int::from_ne_bytes(*control.get(WORD..)?.first_chunk()?);
    let kind = libc::c_int::from_ne_bytes(*control.get(WORD + 4..)?.first_chunk()?);
    (length >= HEAD && length <= control.len()).then_some((level, kind, HEAD..length))
}

/// Returns which address of ours a datagram came to.
fn asked(control: &[u8]) -> Option<IpAddr> {
    let (level, kind, data) = about(control)?;
    let data = control.get(data)?;
    match (level, kind) {
        // in_pktinfo: interface, our address, address in the header.
        (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
            let octets: [u8; 4] = *data.get(4..)?.first_chunk()?;
            Some(Ipv4Addr::from(octets).into())
        }
        // in6_pktinfo: address, interface.
        (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
            let octets: [u8; 16] = *data.first_chunk()?;
            Some(Ipv6Addr::from(octets).to_canonical())
        }
        _ => None,
    }
}

/// Makes of the control message of a datagram the one of its answer: from the
/// same address, by whatever interface leads there.  Returns its length.
fn answer_from(control: &mut [u8]) -> usize {
    let Some((level, kind, data)) = about(control) else { return 0 };
    let end = data.end;
    let Some(data) = control.get_mut(data) else { return 0 };
    let link_local = data.starts_with(&[0xfe, 0x80]);
    let interface = match (level, kind) {
        (libc::IPPROTO_IP, libc::IP_PKTINFO) => data.get_mut(..4),
        // There the address means something on one interface only.
        (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) if link_local => return end,
        (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => data.get_mut(16..20),
        _ => return 0,
    };
    if let Some(interface) = interface {
        interface.fill(0);
    }
    // The room a message takes is a multiple of a word (CMSG_SPACE).
    end.next_multiple_of(size_of::<usize>())
}
