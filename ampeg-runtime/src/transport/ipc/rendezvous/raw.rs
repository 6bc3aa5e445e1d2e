//! Messages of ipc-channel on the wire: bytes and descriptors.

use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

/// One message of one packet.
#[derive(Debug)]
pub(super) struct Raw {
    bytes: Vec<u8>,
    /// The descriptors in the order in which they were sent: first channels, then shared memory.
    pub(super) descriptors: Vec<OwnedFd>,
}

/// The largest message that is read. A hello is shorter.
const LONGEST: usize = 1024;
/// The largest number of descriptors that are read. A hello has fewer.
const DESCRIPTORS: usize = 8;

impl Raw {
    /// Receives a message that has arrived, without waiting. Processes that are started do not inherit its
    /// descriptors.
    ///
    /// Returns none if the other side has disconnected. Fails if the message is not a whole message of ipc-channel.
    pub(super) fn receive(from: impl AsFd) -> io::Result<Option<Self>> {
        let mut bytes = vec![0; LONGEST];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let received = loop {
            let mut pieces = [IoSliceMut::new(&mut bytes)];
            match recvmsg(&from, &mut pieces, &mut control, flags) {
                Err(Errno::INTR) => {}
                Err(Errno::CONNRESET) => return Ok(None),
                result => break result?,
            }
        };
        let descriptors = control.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        });
        let descriptors = descriptors.flatten().collect();
        if received.flags.contains(ReturnFlags::CTRUNC) {
            return Err(io::Error::other(
                "its descriptors could not be taken over: are any left?",
            ));
        }
        if received.bytes == 0 {
            return Ok(None);
        }
        bytes.truncate(received.bytes);
        let message = Self { bytes, descriptors };
        if received.flags.contains(ReturnFlags::TRUNC) || !message.is_whole() {
            return Err(io::Error::other("its message is not valid"));
        }
        Ok(Some(message))
    }

    /// Whether the header announces a message of one packet: it has the length of this packet and that of all
    /// packets.
    ///
    /// If half a message were passed to ipc-channel, it would wait for the rest.
    fn is_whole(&self) -> bool {
        const WORD: usize = size_of::<usize>();
        let word = |at| {
            let bytes = self.bytes.get(at..at + WORD)?;
            Some(usize::from_ne_bytes(bytes.try_into().ok()?))
        };
        let length = self.bytes.len();
        word(0) == Some(length) && word(WORD) == length.checked_sub(2 * WORD)
    }

    /// Sends the message unchanged, without waiting.
    pub(super) fn send(&self, to: impl AsFd) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let descriptors: Vec<_> = self.descriptors.iter().map(AsFd::as_fd).collect();
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
            return Err(io::Error::other("too many descriptors"));
        }
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let pieces = [IoSlice::new(&self.bytes)];
        retry_on_intr(|| sendmsg(&to, &pieces, &mut control, flags))?;
        Ok(())
    }
}
