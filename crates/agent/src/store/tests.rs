use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use latchkey_core::facts::Service;

use super::*;

/// A disk whose power can be cut: what was synced is there for good, what was only written may be there in any part.
#[derive(Clone, Debug, Default)]
struct Record {
    operations: Rc<RefCell<Vec<Operation>>>,
    files: BTreeMap<String, Vec<u8>>,
}

#[derive(Clone, Debug)]
enum Operation {
    Write(String, Vec<u8>),
    Sync(String),
}

impl Disk for Record {
    fn prepare(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self
            .files
            .get(name)
            .cloned()
            .filter(|content| !content.is_empty()))
    }
    fn write(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        self.operations
            .borrow_mut()
            .push(Operation::Write(name.to_owned(), content.to_vec()));
        self.files.insert(name.to_owned(), content.to_vec());
        Ok(())
    }
    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.operations
            .borrow_mut()
            .push(Operation::Sync(name.to_owned()));
        Ok(())
    }
}

/// Facts that can be told apart.
fn facts(generation: u64) -> Facts {
    let service = Service {
        ended: generation,
        ..Service::default()
    };
    Facts {
        services: BTreeMap::from([("https://licences.example".to_owned(), service)]),
        ..Facts::default()
    }
}

fn generation(facts: &Facts) -> u64 {
    facts.services.values().map(|service| service.ended).sum()
}

/// Every way in which a write that was not synced may be found after a power cut.
fn torn(old: Option<&Vec<u8>>, new: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut ways = vec![old.cloned(), Some(Vec::new()), Some(new.to_vec())];
    let cuts = [1, 14, 15, 40, 80, 90, new.len() / 2, new.len() - 1];
    for cut in cuts.into_iter().filter(|cut| *cut < new.len()) {
        // Cut short; the rest zeros; the rest what stood there before.
        ways.push(Some(new[..cut].to_vec()));
        ways.push(Some([&new[..cut], &vec![0; new.len() - cut][..]].concat()));
        if let Some(old) = old.filter(|old| old.len() > cut) {
            ways.push(Some([&new[..cut], &old[cut..]].concat()));
            // The end arrived and the beginning did not.
            ways.push(Some([&old[..cut], &new[cut..]].concat()));
        }
    }
    ways
}

/// Replays every prefix of the operations, with the writes that were not synced by then torn in every way, and hands
/// each state of the disk to `judge` with how many operations were done.
fn cut_power_everywhere(operations: &[Operation], judge: impl Fn(usize, Record)) {
    for done in 0..=operations.len() {
        let mut synced: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut unsynced: BTreeMap<String, (Option<Vec<u8>>, Vec<u8>)> = BTreeMap::new();
        for operation in &operations[..done] {
            match operation {
                Operation::Write(name, content) => {
                    let old = synced.get(name).cloned();
                    unsynced.insert(name.clone(), (old, content.clone()));
                }
                Operation::Sync(name) => {
                    if let Some((_, content)) = unsynced.remove(name) {
                        synced.insert(name.clone(), content);
                    }
                }
            }
        }
        let mut disks = vec![synced];
        for (name, (old, new)) in &unsynced {
            disks = disks
                .into_iter()
                .flat_map(|disk| {
                    torn(old.as_ref(), new).into_iter().map(move |way| {
                        let mut disk = disk.clone();
                        match way {
                            Some(content) => disk.insert(name.clone(), content),
                            None => disk.remove(name),
                        };
                        disk
                    })
                })
                .collect();
        }
        for files in disks {
            judge(
                done,
                Record {
                    operations: Rc::default(),
                    files,
                },
            );
        }
    }
}

#[test]
fn no_power_cut_loses_what_was_saved() {
    let disk = Record::default();
    let operations = Rc::clone(&disk.operations);
    let (mut store, _) = Store::open(disk).unwrap();
    // After how many operations each generation had been saved, so that somebody may have been told.
    let mut saved_after = vec![(0, 0)];
    for generation in 1..=5 {
        store.save(&facts(generation), generation % 2 == 0).unwrap();
        saved_after.push((operations.borrow().len(), generation));
    }
    let operations = operations.borrow().clone();
    cut_power_everywhere(&operations, |done, disk| {
        let (_, loaded) = Store::open(disk).unwrap();
        let told = saved_after
            .iter()
            .filter(|(after, _)| *after <= done)
            .map(|(_, generation)| *generation)
            .max();
        let found = generation(&loaded.facts);
        assert!(
            Some(found) >= told,
            "after {done} operations: told {told:?}, found {found}"
        );
    });
}

#[test]
fn what_ended_something_is_never_revived_by_the_loss_of_a_copy() {
    let disk = Record::default();
    let (mut store, _) = Store::open(disk).unwrap();
    for generation in 1..=3 {
        store.save(&facts(generation), false).unwrap();
    }
    store.save(&facts(4), true).unwrap();
    for lost in COPIES {
        let mut disk = Record {
            operations: Rc::default(),
            files: store.disk.files.clone(),
        };
        disk.files
            .insert(lost.to_owned(), b"latchkey-state 1 99 nonsense\n{}".to_vec());
        let (_, loaded) = Store::open(disk).unwrap();
        assert_eq!(generation(&loaded.facts), 4);
        assert_eq!(loaded.problems, [Problem::StateRecovered]);
    }
}

#[test]
fn a_damaged_copy_falls_back_and_says_so() {
    let (mut store, _) = Store::open(Record::default()).unwrap();
    store.save(&facts(1), false).unwrap();
    store.save(&facts(2), false).unwrap();
    let mut files = store.disk.files.clone();
    let newest = files.get_mut(COPIES[store.newest]).unwrap();
    *newest.last_mut().unwrap() ^= 1;
    let (mut store, loaded) = Store::open(Record {
        operations: Rc::default(),
        files,
    })
    .unwrap();
    assert_eq!(generation(&loaded.facts), 1);
    assert_eq!(loaded.problems, [Problem::StateRecovered]);
    store.save(&facts(3), false).unwrap();
    let (_, loaded) = Store::open(store.disk.clone()).unwrap();
    assert_eq!((generation(&loaded.facts), loaded.problems), (3, Vec::new()));
}

#[test]
fn a_newer_state_is_left_untouched() {
    let newer = b"latchkey-state 2 7 whatever\nsomething new".to_vec();
    let files = BTreeMap::from([(COPIES[0].to_owned(), newer.clone())]);
    let (mut store, loaded) = Store::open(Record {
        operations: Rc::default(),
        files,
    })
    .unwrap();
    assert_eq!(loaded.problems, [Problem::StateTooNew]);
    assert!(store.save(&facts(1), true).is_err());
    assert_eq!(store.disk.files.get(COPIES[0]), Some(&newer));
}

#[test]
fn a_real_folder_keeps_it_for_this_user_alone() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("state");
    let (mut store, _) = Store::open(Folder::new(&folder)).unwrap();
    store.save(&facts(1), false).unwrap();
    store.save(&facts(2), true).unwrap();
    let (_, loaded) = Store::open(Folder::new(&folder)).unwrap();
    assert_eq!(generation(&loaded.facts), 2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(COPIES[0]))), (0o700, 0o600));
    }
}
