//! Frames, without I/O: the length of the body as a big-endian `u32`, then the body, which is JSON.
//!
//! A length is only a claim. Nothing is allocated for it: the buffer grows with the bytes that really came, and a
//! claim beyond the limit is refused before the first byte of the body is read.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest body that a client sends, in bytes.
pub const REQUEST_LIMIT: usize = 64 * 1024;
/// The longest body that the agent sends, in bytes.
pub const MESSAGE_LIMIT: usize = 1024 * 1024;

/// Bytes in front of a body.
const HEADER: usize = 4;
/// A drained buffer larger than this is given back.
const KEPT: usize = 4 * 1024;

/// What is wrong with a frame. The stream behind it cannot be trusted to be in step any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Longer than the receiver accepts.
    #[error("a frame of {length} bytes, where at most {limit} are accepted")]
    TooLong {
        /// What the frame has, or claims to have.
        length: usize,
        /// What is accepted.
        limit: usize,
    },
    /// A frame without a body.
    #[error("a frame without a body")]
    Empty,
    /// The stream ended within a frame.
    #[error("the stream ended {missing} bytes before the end of a frame")]
    Truncated {
        /// How many bytes are missing at least.
        missing: usize,
    },
    /// The body is not the JSON that was expected.
    #[error("a frame that cannot be read: {0}")]
    Malformed(String),
}

/// Writes `value` as a frame whose body has at most `limit` bytes.
///
/// # Errors
/// [`FrameError::TooLong`], and [`FrameError::Malformed`] when the value has no JSON form.
pub fn encode<T: Serialize>(value: &T, limit: usize) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; HEADER];
    serde_json::to_writer(&mut frame, value).map_err(|error| FrameError::Malformed(error.to_string()))?;
    let length = frame.len() - HEADER;
    let claim = u32::try_from(length).ok().filter(|_| length <= limit);
    let claim = claim.ok_or(FrameError::TooLong { length, limit })?;
    frame[..HEADER].copy_from_slice(&claim.to_be_bytes());
    Ok(frame)
}

/// Reads the body of a frame.
///
/// # Errors
/// [`FrameError::Malformed`].
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, FrameError> {
    serde_json::from_slice(body).map_err(|error| FrameError::Malformed(error.to_string()))
}

/// Cuts a stream of bytes, in whatever chunks it arrives, into the bodies of frames.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    buffer: Vec<u8>,
    /// Bytes at the front of `buffer` that belong to bodies already handed out.
    taken: usize,
    broken: Option<FrameError>,
}

impl Decoder {
    /// A decoder that accepts bodies of at most `limit` bytes.
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            buffer: Vec::new(),
            taken: 0,
            broken: None,
        }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        if self.broken.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The body of the next frame that is complete; `None` until more bytes have come.
    ///
    /// # Errors
    /// What is wrong with the frame. From then on every call answers the same: the stream is out of step.
    pub fn frame(&mut self) -> Result<Option<&[u8]>, FrameError> {
        match self.complete() {
            Ok(Some(length)) => {
                let start = self.taken + HEADER;
                self.taken = start + length;
                Ok(Some(&self.buffer[start..self.taken]))
            }
            Ok(None) => {
                if self.taken == self.buffer.len() && self.buffer.capacity() > KEPT {
                    (self.buffer, self.taken) = (Vec::new(), 0);
                }
                Ok(None)
            }
            Err(error) => {
                (self.buffer, self.taken) = (Vec::new(), 0);
                self.broken = Some(error.clone());
                Err(error)
            }
        }
    }

    /// The stream has ended.
    ///
    /// # Errors
    /// [`FrameError::Truncated`] when it ended within a frame, and what was wrong before.
    pub fn finish(&self) -> Result<(), FrameError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        let rest = self.buffer.len() - self.taken;
        let whole = self.claim().map_or(HEADER, |length| HEADER + length);
        if rest == 0 || rest >= whole {
            Ok(())
        } else {
            Err(FrameError::Truncated {
                missing: whole - rest,
            })
        }
    }

    /// The length of the next body, as its header claims it.
    fn claim(&self) -> Option<usize> {
        let header: [u8; HEADER] = self
            .buffer
            .get(self.taken..self.taken + HEADER)?
            .try_into()
            .ok()?;
        usize::try_from(u32::from_be_bytes(header)).ok()
    }

    /// The length of the next body, if all of it is here.
    fn complete(&self) -> Result<Option<usize>, FrameError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        match self.claim() {
            Some(0) => Err(FrameError::Empty),
            Some(length) if length > self.limit => Err(FrameError::TooLong {
                length,
                limit: self.limit,
            }),
            Some(length) if self.buffer.len() - self.taken - HEADER >= length => Ok(Some(length)),
            Some(_) | None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bodies(decoder: &mut Decoder) -> Result<Vec<Vec<u8>>, FrameError> {
        let mut bodies = Vec::new();
        while let Some(body) = decoder.frame()? {
            bodies.push(body.to_vec());
        }
        Ok(bodies)
    }

    #[test]
    fn a_claim_is_refused_before_its_body_and_allocates_nothing() {
        let mut decoder = Decoder::new(REQUEST_LIMIT);
        decoder.push(&u32::MAX.to_be_bytes());
        let refused = FrameError::TooLong {
            length: 0xffff_ffff,
            limit: REQUEST_LIMIT,
        };
        assert_eq!(decoder.frame(), Err(refused.clone()));
        decoder.push(&[b'x'; 100_000]);
        assert_eq!(decoder.frame(), Err(refused), "out of step for good");
        assert_eq!(decoder.buffer.capacity(), 0);

        let mut decoder = Decoder::new(MESSAGE_LIMIT);
        decoder.push(&1_000_000_u32.to_be_bytes());
        assert_eq!(decoder.frame(), Ok(None));
        assert!(decoder.buffer.capacity() < 100, "a claim alone must not allocate");
    }

    #[test]
    fn the_end_within_a_frame_is_named() {
        let mut decoder = Decoder::new(REQUEST_LIMIT);
        assert_eq!(decoder.finish(), Ok(()));
        decoder.push(&[0, 0]);
        assert_eq!(decoder.finish(), Err(FrameError::Truncated { missing: 2 }));
        decoder.push(&[0, 5, b'1']);
        assert_eq!(decoder.frame(), Ok(None));
        assert_eq!(decoder.finish(), Err(FrameError::Truncated { missing: 4 }));
    }

    #[test]
    fn an_empty_frame_is_refused() {
        let mut decoder = Decoder::new(REQUEST_LIMIT);
        decoder.push(&[0, 0, 0, 0]);
        assert_eq!(decoder.frame(), Err(FrameError::Empty));
    }

    #[test]
    fn a_drained_buffer_is_given_back() {
        let mut decoder = Decoder::new(MESSAGE_LIMIT);
        decoder.push(&encode(&"x".repeat(500_000), MESSAGE_LIMIT).unwrap());
        assert_eq!(bodies(&mut decoder).unwrap().len(), 1);
        assert_eq!(decoder.buffer.capacity(), 0);
    }

    #[test]
    fn what_is_too_long_is_not_written() {
        let error = encode(&"x".repeat(REQUEST_LIMIT), REQUEST_LIMIT).unwrap_err();
        assert_eq!(
            error,
            FrameError::TooLong {
                length: REQUEST_LIMIT + 2,
                limit: REQUEST_LIMIT
            }
        );
    }

    proptest! {
        #[test]
        fn any_chunks_give_the_same_frames(
            texts in proptest::collection::vec(".{0,300}", 0..12),
            cuts in proptest::collection::vec(1_usize..97, 1..40),
        ) {
            let stream: Vec<u8> =
                texts.iter().flat_map(|text| encode(text, REQUEST_LIMIT).unwrap()).collect();
            let mut decoder = Decoder::new(REQUEST_LIMIT);
            let (mut rest, mut read, mut cuts) = (stream.as_slice(), Vec::new(), cuts.into_iter().cycle());
            while !rest.is_empty() {
                let (chunk, later) = rest.split_at(cuts.next().unwrap().min(rest.len()));
                decoder.push(chunk);
                for body in bodies(&mut decoder).unwrap() {
                    read.push(decode::<String>(&body).unwrap());
                }
                rest = later;
            }
            prop_assert_eq!(read, texts);
            prop_assert_eq!(decoder.finish(), Ok(()));
        }

        #[test]
        fn garbage_ends_in_an_error_or_in_waiting(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..600), 0..20),
        ) {
            let mut decoder = Decoder::new(1_000);
            for chunk in &chunks {
                decoder.push(chunk);
                let _ = bodies(&mut decoder);
                prop_assert!(decoder.buffer.len() <= 1_000 + HEADER + 600, "bounded, whatever comes");
            }
            let _ = decoder.finish();
        }
    }
}
