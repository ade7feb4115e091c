//! Security identifiers: whose a process and a pipe are, and a descriptor that lets nobody but its owner in.

use std::ffi::c_void;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle as _, OwnedHandle};
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, GetSecurityInfo, SE_KERNEL_OBJECT,
};
use windows_sys::Win32::Security::{
    EqualSid, GetLengthSid, GetTokenInformation, OWNER_SECURITY_INFORMATION, PSID, TOKEN_QUERY, TOKEN_USER,
    TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// A security identifier: the name of a user. Held as the system lays it out, aligned for it.
#[derive(Clone)]
pub(crate) struct Sid(Box<[u32]>);

impl Sid {
    /// The user of this process.
    #[expect(unsafe_code, reason = "Win32 has no safe form of this")]
    pub(crate) fn own() -> io::Result<Self> {
        // SAFETY: the pseudo handle of the current process is always valid and needs no closing.
        of_process(unsafe { GetCurrentProcess() })
    }

    /// The owner of a kernel object, which only somebody with that identity could have made.
    #[expect(unsafe_code, reason = "Win32 has no safe form of this")]
    pub(crate) fn owner_of(object: &impl AsRawHandle) -> io::Result<Self> {
        let (mut owner, mut descriptor): (PSID, *mut c_void) = (null_mut(), null_mut());
        // SAFETY: the handle is open for the length of the call; the two results that are asked for point to places
        // that outlive it, and the others may be null.
        let error = unsafe {
            GetSecurityInfo(
                object.as_raw_handle(),
                SE_KERNEL_OBJECT,
                OWNER_SECURITY_INFORMATION,
                &raw mut owner,
                null_mut(),
                null_mut(),
                null_mut(),
                &raw mut descriptor,
            )
        };
        if error != 0 {
            return Err(io::Error::from_raw_os_error(error.cast_signed()));
        }
        let descriptor = Local(descriptor);
        if owner.is_null() {
            return Err(io::ErrorKind::NotFound.into());
        }
        // SAFETY: `owner` points into `descriptor`, which lives until the end of this function.
        let sid = unsafe { Self::copied(owner) };
        drop(descriptor);
        Ok(sid)
    }

    /// As text, `S-1-5-21-…`.
    #[expect(unsafe_code, reason = "Win32 has no safe form of this")]
    pub(crate) fn to_text(&self) -> io::Result<String> {
        let mut text = null_mut();
        // SAFETY: `self` holds a valid identifier, and `text` is a place for the result.
        if unsafe { ConvertSidToStringSidW(self.as_ptr(), &raw mut text) } == 0 {
            return Err(io::Error::last_os_error());
        }
        let local = Local(text.cast());
        let mut length = 0;
        // SAFETY: the system ends the text with a zero, so every unit up to it may be read.
        while unsafe { *text.add(length) } != 0 {
            length += 1;
        }
        // SAFETY: `length` units were just read, and `local` keeps them.
        let units = unsafe { std::slice::from_raw_parts(text, length) };
        let text = String::from_utf16_lossy(units);
        drop(local);
        Ok(text)
    }

    fn as_ptr(&self) -> PSID {
        self.0.as_ptr().cast_mut().cast()
    }

    /// # Safety
    /// `sid` must point to a valid security identifier.
    #[expect(unsafe_code, reason = "Win32 has no safe form of this")]
    unsafe fn copied(sid: PSID) -> Self {
        // SAFETY: by the contract of this function `sid` is valid, so it has a length and that many bytes.
        let bytes = unsafe {
            let length = usize::try_from(GetLengthSid(sid)).unwrap_or(0);
            std::slice::from_raw_parts(sid.cast::<u8>(), length)
        };
        let words = bytes.chunks(4).map(|word| {
            let mut whole = [0; 4];
            whole[..word.len()].copy_from_slice(word);
            u32::from_ne_bytes(whole)
        });
        Self(words.collect())
    }
}

impl PartialEq for Sid {
    #[expect(unsafe_code, reason = "Win32 has no safe form of this")]
    fn eq(&self, other: &Self) -> bool {
        // SAFETY: both hold valid identifiers.
        unsafe { EqualSid(self.as_ptr(), other.as_ptr()) != 0 }
    }
}

/// The user that a process runs as.
#[expect(unsafe_code, reason = "Win32 has no safe form of this")]
fn of_process(process: HANDLE) -> io::Result<Sid> {
    let mut token = null_mut();
    // SAFETY: the caller's process handle is open, and `token` is a place for the result.
    if unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above has just made this handle, and nobody else closes it.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    // A TOKEN_USER with the longest identifier there is, aligned as its pointers must be.
    let mut buffer = [0_u64; 32];
    let mut length = 0;
    // SAFETY: `buffer` is as long as is said, and `length` is a place for the result.
    let read = unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            TokenUser,
            buffer.as_mut_ptr().cast(),
            u32::try_from(size_of_val(&buffer)).unwrap_or(0),
            &raw mut length,
        )
    };
    if read == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the system has put a TOKEN_USER at the front of `buffer`, whose identifier lies behind it in `buffer`.
    unsafe { Ok(Sid::copied((*buffer.as_ptr().cast::<TOKEN_USER>()).User.Sid)) }
}

/// Memory that the system made for us.
struct Local(*mut c_void);

impl Drop for Local {
    #[expect(unsafe_code, reason = "Win32 has no safe form of this")]
    fn drop(&mut self) {
        // SAFETY: every `Local` is made of what a function gave that asks for `LocalFree`, once.
        unsafe { LocalFree(self.0) };
    }
}

#[cfg(feature = "server")]
pub(crate) use serving::{OwnerOnly, client_of};

/// What only a listener needs.
#[cfg(feature = "server")]
mod serving {
    use std::io;
    use std::os::windows::io::{AsRawHandle, FromRawHandle as _, OwnedHandle};
    use std::ptr::null_mut;

    use windows_sys::Win32::Security::Authorization::{
        ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
    };
    use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
    use windows_sys::Win32::System::Pipes::GetNamedPipeClientProcessId;
    use windows_sys::Win32::System::Threading::{OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION};

    use super::{Local, Sid, of_process};

    /// The user of the process at the client's end of a pipe.
    #[expect(unsafe_code, reason = "Win32 has no safe form of this")]
    pub(crate) fn client_of(pipe: &impl AsRawHandle) -> io::Result<Sid> {
        let mut id = 0;
        // SAFETY: the handle is open for the length of the call, and `id` is a place for the result.
        if unsafe { GetNamedPipeClientProcessId(pipe.as_raw_handle(), &raw mut id) } == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: takes numbers and gives a handle or null.
        let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, id) };
        if process.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call above has just made this handle, and nobody else closes it.
        let process = unsafe { OwnedHandle::from_raw_handle(process) };
        of_process(process.as_raw_handle())
    }

    /// Security attributes of an object that its owner may use, and nobody else.
    pub(crate) struct OwnerOnly(Local);

    impl OwnerOnly {
        #[expect(unsafe_code, reason = "Win32 has no safe form of this")]
        pub(crate) fn new(owner: &Sid) -> io::Result<Self> {
            let sid = owner.to_text()?;
            let text: Vec<u16> = format!("O:{sid}D:P(A;;GA;;;{sid})\0").encode_utf16().collect();
            let mut descriptor = null_mut();
            // SAFETY: `text` ends with a zero, `descriptor` is a place for the result, and its size is not asked for.
            let made = unsafe {
                ConvertStringSecurityDescriptorToSecurityDescriptorW(
                    text.as_ptr(),
                    SDDL_REVISION_1,
                    &raw mut descriptor,
                    null_mut(),
                )
            };
            if made == 0 {
                Err(io::Error::last_os_error())
            } else {
                Ok(Self(Local(descriptor)))
            }
        }

        /// For as long as `self` lives.
        pub(crate) fn attributes(&self) -> SECURITY_ATTRIBUTES {
            SECURITY_ATTRIBUTES {
                nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or(0),
                lpSecurityDescriptor: self.0.0,
                bInheritHandle: 0,
            }
        }
    }
}
