//! A descriptor that becomes readable after a time given to the nanosecond.
//!
//! `epoll_wait` counts in milliseconds and rounds up; the last part of a wait is left to this.

#[cfg(target_os = "linux")]
pub(crate) use linux::Timer;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::Timer;

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    use std::time::Duration;

    use mio::unix::SourceFd;
    use mio::{Interest, Registry, Token};

    pub(crate) struct Timer(OwnedFd);

    impl Timer {
        /// A timer that reports to `registry` under `token`.
        pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Timer> {
            let flags = libc::TFD_NONBLOCK | libc::TFD_CLOEXEC;
            // SAFETY: rule 6: a system call without pointers; a new descriptor is owned by nobody.
            let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) };
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: rule 6: see above.
            let fd = unsafe { OwnedFd::from_raw_fd(fd) };
            registry.register(&mut SourceFd(&fd.as_raw_fd()), token, Interest::READABLE)?;
            Ok(Timer(fd))
        }

        /// Fires once, after `duration`, which is not zero. Setting it again forgets what was set,
        /// so that nothing has to be read.
        pub(crate) fn set(&self, duration: Duration) -> bool {
            let time = libc::itimerspec {
                it_interval: libc::timespec { tv_sec: 0, tv_nsec: 0 },
                it_value: libc::timespec {
                    tv_sec: duration.as_secs().try_into().unwrap_or(libc::time_t::MAX),
                    tv_nsec: duration.subsec_nanos().into(),
                },
            };
            // SAFETY: rule 6: `time` lives for the call, and the old value is not asked for.
            let result = unsafe {
                libc::timerfd_settime(self.0.as_raw_fd(), 0, &raw const time, std::ptr::null_mut())
            };
            result == 0
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::io;
    use std::time::Duration;

    use mio::{Registry, Token};

    /// Where there is none, waits are as exact as the poller's.
    pub(crate) struct Timer;

    impl Timer {
        pub(crate) fn new(_registry: &Registry, _token: Token) -> io::Result<Timer> {
            Ok(Timer)
        }

        pub(crate) fn set(&self, _duration: Duration) -> bool {
            false
        }
    }
}
