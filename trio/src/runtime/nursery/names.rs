//! The open nurseries of a run by name.
//!
//! A handle is a value and can outlive its nursery, so it holds a name and not a pointer (rule 3). No
//! name is ever given twice on a thread, which handles do not leave: were one to come round again, an
//! old handle would name a new nursery, which may outlive what its children borrow.

use std::cell::Cell;

use super::NurseryCore;

thread_local! {
    static LAST: Cell<u64> = const { Cell::new(0) };
}

/// The name of a nursery: a number that is never used again, and where to look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name {
    serial: u64,
    place: usize,
}

struct Place {
    /// 0 while the place is free.
    serial: u64,
    core: *const NurseryCore,
}

#[derive(Default)]
pub(crate) struct Nurseries {
    places: Vec<Place>,
    free: Vec<usize>,
}

impl Nurseries {
    pub(super) fn insert(&mut self, core: *const NurseryCore) -> Name {
        let serial = LAST.get() + 1;
        LAST.set(serial);
        let entry = Place { serial, core };
        let place = match self.free.pop() {
            Some(place) => {
                self.places[place] = entry;
                place
            }
            None => {
                self.places.push(entry);
                self.places.len() - 1
            }
        };
        Name { serial, place }
    }

    pub(super) fn remove(&mut self, name: Name) {
        if let Some(place) = self.places.get_mut(name.place)
            && place.serial == name.serial
        {
            *place = Place { serial: 0, core: std::ptr::null() };
            self.free.push(name.place);
        }
    }

    pub(super) fn get(&self, name: Name) -> Option<*const NurseryCore> {
        let place = self.places.get(name.place)?;
        (place.serial == name.serial).then_some(place.core)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::trace::Site;

    #[test]
    fn a_name_is_never_given_twice() {
        static SITE: Site = Site::scope("a nursery");
        let core = NurseryCore::new(&SITE);
        let mut nurseries = Nurseries::default();
        let first = nurseries.insert(&core);
        assert!(nurseries.get(first).is_some());
        nurseries.remove(first);
        let second = nurseries.insert(&core);
        assert_eq!(first.place, second.place, "the place is used again");
        assert!(nurseries.get(first).is_none());
        // Another run on this thread has names of its own.
        let mut others = Nurseries::default();
        let third = others.insert(&core);
        assert!(nurseries.get(third).is_none() && others.get(first).is_none());
    }
}
