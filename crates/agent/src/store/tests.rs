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

/// Facts that can be told apart, and that fill several blocks of a disk.
fn facts(generation: u64) -> Facts {
    let service = Service {
        ended: generation,
        keys: Some(format!("{generation:08}").repeat(90)),
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

/// What a disk writes as a whole. Smaller than a real one: there are more ways to go wrong between them.
const BLOCK: usize = 256;

/// Every way in which a write that was not synced may be found after a power cut: as it was before, or with any part
/// of it, in any order. `step` is how many bytes lie between the places at which it is cut.
fn torn(old: Option<&Vec<u8>>, new: &[u8], step: usize) -> Vec<Option<Vec<u8>>> {
    let mut ways = vec![old.cloned(), Some(Vec::new()), Some(new.to_vec())];
    for cut in (1..new.len()).step_by(step) {
        // Cut short; the rest zeros; the rest what stood there before.
        ways.push(Some(new[..cut].to_vec()));
        ways.push(Some([&new[..cut], &vec![0; new.len() - cut][..]].concat()));
        if let Some(old) = old.filter(|old| old.len() > cut) {
            ways.push(Some([&new[..cut], &old[cut..]].concat()));
            // The end arrived and the beginning did not.
            ways.push(Some([&old[..cut], &new[cut..]].concat()));
        }
    }
    // Blocks arrive in any order, and the file's length when it likes.
    let blocks = u32::try_from(new.len().div_ceil(BLOCK)).unwrap();
    let before = old.map_or(&[][..], Vec::as_slice);
    for length in [before.len(), new.len()] {
        for choice in 0..3_usize.pow(blocks) {
            let source = |at: usize| match choice / 3_usize.pow(u32::try_from(at / BLOCK).unwrap_or(0)) % 3 {
                0 => new.get(at),
                1 => before.get(at),
                _ => None,
            };
            ways.push(Some(
                (0..length).map(|at| source(at).copied().unwrap_or(0)).collect(),
            ));
        }
    }
    ways
}

/// Replays every prefix of the operations on `disk`, with the writes that were not synced by then torn in every way,
/// and hands each state of the disk to `judge` with how many operations were done.
fn cut_power_everywhere(
    disk: &BTreeMap<String, Vec<u8>>,
    operations: &[Operation],
    step: usize,
    judge: &mut dyn FnMut(usize, Record),
) {
    for done in 0..=operations.len() {
        let mut synced = disk.clone();
        let mut unsynced: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for operation in &operations[..done] {
            match operation {
                Operation::Write(name, content) => {
                    unsynced.insert(name.clone(), content.clone());
                }
                Operation::Sync(name) => synced.extend(unsynced.remove_entry(name)),
            }
        }
        let unsynced: Vec<_> = unsynced.into_iter().collect();
        tear(synced, &unsynced, step, &mut |files| {
            judge(
                done,
                Record {
                    operations: Rc::default(),
                    files,
                },
            );
        });
    }
}

/// One file after the other: each way of the first with each way of the others.
fn tear(
    disk: BTreeMap<String, Vec<u8>>,
    unsynced: &[(String, Vec<u8>)],
    step: usize,
    judge: &mut dyn FnMut(BTreeMap<String, Vec<u8>>),
) {
    let Some(((name, new), others)) = unsynced.split_first() else {
        return judge(disk);
    };
    for way in torn(disk.get(name), new, step) {
        let mut disk = disk.clone();
        match way {
            Some(content) => disk.insert(name.clone(), content),
            None => disk.remove(name),
        };
        tear(disk, others, step, judge);
    }
}

/// A store on a disk that is recorded, and what is asked of it: which generation somebody may have been told of after
/// how many operations.
struct Told {
    store: Store<Record>,
    operations: Rc<RefCell<Vec<Operation>>>,
    saved_after: Vec<(usize, u64)>,
}

impl Told {
    fn on(disk: Record) -> Self {
        let operations = Rc::clone(&disk.operations);
        let (store, loaded) = Store::open(disk).unwrap();
        Self {
            store,
            operations,
            saved_after: vec![(0, generation(&loaded.facts))],
        }
    }

    fn save(&mut self, generation: u64, both: bool) {
        self.store.save(&facts(generation), both).unwrap();
        self.saved_after
            .push((self.operations.borrow().len(), generation));
    }

    /// What is found after a power cut is what was told last, or what was being written; whole, and nothing else.
    fn judge(&self, done: usize, disk: &Record) -> u64 {
        let (_, loaded) = Store::open(disk.clone()).unwrap();
        let found = generation(&loaded.facts);
        let at = self
            .saved_after
            .iter()
            .rposition(|(after, _)| *after <= done)
            .unwrap();
        let possible: Vec<u64> = self
            .saved_after
            .iter()
            .skip(at)
            .take(2)
            .map(|(_, generation)| *generation)
            .collect();
        assert!(
            possible.contains(&found),
            "after {done} operations: found {found}, and not one of {possible:?}"
        );
        let whole = if found == 0 {
            Facts::default()
        } else {
            facts(found)
        };
        assert_eq!(loaded.facts, whole, "after {done} operations");
        assert!(
            loaded
                .problems
                .iter()
                .all(|problem| *problem == Problem::StateRecovered),
            "{:?}",
            loaded.problems
        );
        found
    }
}

#[test]
fn no_power_cut_loses_what_was_saved() {
    let mut told = Told::on(Record::default());
    for generation in 1..=5 {
        told.save(generation, generation % 2 == 0);
    }
    let operations = told.operations.borrow().clone();
    let mut states = 0;
    cut_power_everywhere(&BTreeMap::new(), &operations, 1, &mut |done, disk| {
        told.judge(done, &disk);
        states += 1;
    });
    assert!(states > 20_000, "only {states} states of the disk were looked at");
}

#[test]
fn no_second_power_cut_loses_what_the_first_one_left() {
    let mut told = Told::on(Record::default());
    for generation in 1..=3 {
        told.save(generation, generation == 2);
    }
    let operations = told.operations.borrow().clone();
    cut_power_everywhere(&BTreeMap::new(), &operations, 97, &mut |done, disk| {
        let found = told.judge(done, &disk);
        // What was torn is what the next save writes over, and never what is left.
        let files = disk.files.clone();
        let mut again = Told::on(disk);
        assert_eq!(again.saved_after, [(0, found)]);
        again.save(9, true);
        let operations = again.operations.borrow().clone();
        for cut in [1, 100, 500] {
            for (at, operation) in operations.iter().enumerate() {
                let Operation::Write(name, content) = operation else {
                    continue;
                };
                let mut files = files.clone();
                for earlier in &operations[..at] {
                    if let Operation::Write(name, content) = earlier {
                        files.insert(name.clone(), content.clone());
                    }
                }
                files.insert(name.clone(), content[..cut].to_vec());
                let torn = Record {
                    operations: Rc::default(),
                    files,
                };
                again.judge(at, &torn);
            }
        }
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

/// A block that the disk does not give back, or rights that somebody changed.
#[test]
fn a_copy_that_cannot_be_read_falls_back_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(Folder::new(folder.path())).unwrap();
    store.save(&facts(7), true).unwrap();
    for copy in COPIES {
        let path = folder.path().join(copy);
        let content = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let (_, loaded) = Store::open(Folder::new(folder.path())).unwrap();
        assert_eq!(generation(&loaded.facts), 7, "{copy}");
        assert_eq!(loaded.problems, [Problem::StateRecovered]);
        std::fs::remove_dir(&path).unwrap();
        std::fs::write(&path, content).unwrap();
    }
    for copy in COPIES {
        std::fs::remove_file(folder.path().join(copy)).unwrap();
        std::fs::create_dir(folder.path().join(copy)).unwrap();
    }
    assert!(
        Store::open(Folder::new(folder.path())).is_err(),
        "what cannot be read is not nothing"
    );
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
