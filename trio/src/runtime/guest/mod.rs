//! Guest mode: a run that another event loop hosts.
//!
//! `run` is the run that its host steps by hand, as a descriptor and a timeout. `hosted` is the one that
//! steps itself in callbacks of its host, and leaves only the waiting to a thread.
//!
//! While a guest lives it is the run of its host's thread, also between its steps. So code of the host
//! can do what functions given to `call_soon` can: wake tasks, cancel, move deadlines, spawn system
//! tasks. A change that comes while the guest waits ends the wait (`Run::rouse`).

mod hosted;
mod run;
mod wait;

pub(crate) use hosted::take_abandoned;
pub use hosted::{Host, HostCall, start_guest_run};
pub use run::GuestRun;
