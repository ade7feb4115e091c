//! Windows: `NotifyIpInterfaceChange`.

use std::ffi::c_void;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use tokio::sync::Notify;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::NetworkManagement::IpHelper::{
    CancelMibChangeNotify2, MIB_IPINTERFACE_ROW, MIB_NOTIFICATION_TYPE, NotifyIpInterfaceChange,
};
use windows_sys::Win32::Networking::WinSock::AF_UNSPEC;

/// Interfaces.
#[derive(Debug)]
pub(super) struct Network {
    changed: Arc<Notify>,
    /// A handle, kept as a number because a raw pointer would pin this type to one thread.
    handle: usize,
}

/// Called by the system on a thread of its own.
#[expect(unsafe_code, reason = "a callback of the operating system")]
unsafe extern "system" fn on_change(
    context: *const c_void,
    _: *const MIB_IPINTERFACE_ROW,
    _: MIB_NOTIFICATION_TYPE,
) {
    // SAFETY: `context` is the `Notify` that `Network` keeps alive until it has cancelled these calls.
    let changed = unsafe { &*context.cast::<Notify>() };
    changed.notify_one();
}

impl Network {
    /// Begins to listen.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn watch() -> io::Result<Self> {
        let changed = Arc::new(Notify::new());
        let mut handle: HANDLE = std::ptr::null_mut();
        // SAFETY: the context lives in `changed`, which is dropped only after the notification was cancelled.
        #[expect(unsafe_code, reason = "an operating system call")]
        let error = unsafe {
            NotifyIpInterfaceChange(
                AF_UNSPEC,
                Some(on_change),
                Arc::as_ptr(&changed).cast(),
                false,
                &raw mut handle,
            )
        };
        if error != 0 {
            return Err(io::Error::from_raw_os_error(error.try_into().unwrap_or(i32::MAX)));
        }
        Ok(Self {
            changed,
            handle: handle as usize,
        })
    }

    /// Waits for a change.
    pub(super) async fn stirs(&self) {
        self.changed.notified().await;
    }

    /// What came while it settled is part of it.
    pub(super) fn has_changed(&mut self) -> bool {
        pin!(self.changed.notified()).enable();
        true
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // SAFETY: the handle came from `NotifyIpInterfaceChange`; the call returns after the last callback.
        #[expect(unsafe_code, reason = "an operating system call")]
        unsafe {
            CancelMibChangeNotify2(self.handle as HANDLE);
        }
    }
}
