//! One thread that owns a connection. The writer's thread gathers what waits into one transaction and makes it durable
//! with one sync of the disk (group commit); each task is a savepoint of its own, so that one failing hurts no other.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::database;
use crate::store::StoreError;

/// How many tasks may wait; one more is told to come back later.
const QUEUE: usize = 1024;
/// How many tasks share a transaction at most, so that the first of them does not wait for ever.
const GROUP: usize = 128;

/// Something to do on the connection, whose answer leaves only when it is durable.
trait Task: Send {
    /// Does the work. False: take it back.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Sends the answer; an error in `committed` stands in for it.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Work<T, F> {
    work: Option<F>,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Task for Work<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        self.result = self.work.take().map(|work| work(connection));
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let result = match (committed, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(StoreError::Busy),
            (Err(error), _) => Err(error),
        };
        // Nobody listens any more when the client has gone away: what was done stays done.
        let _gone = self.reply.send(result);
    }
}

/// Whether a worker may write.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Reader,
    Writer,
}

/// The handle to the thread. Dropping it lets the thread finish what waits, and waits for that.
pub(super) struct Worker {
    queue: Option<SyncSender<Box<dyn Task>>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread.
    pub(super) fn start(connection: Connection, kind: Kind) -> Result<Self, StoreError> {
        let (queue, tasks) = sync_channel::<Box<dyn Task>>(QUEUE);
        let name = match kind {
            Kind::Reader => "store-reader",
            Kind::Writer => "store-writer",
        };
        let work = move || match kind {
            Kind::Reader => read(&connection, &tasks),
            Kind::Writer => write(&connection, &tasks),
        };
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(work)
            .map_err(|error| StoreError::Database(std::sync::Arc::new(error)))?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Does `work` on the connection, and waits until it is durable.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task = Box::new(Work {
            work: Some(work),
            result: None,
            reply,
        });
        match self.queue.as_ref().map(|queue| queue.try_send(task)) {
            Some(Ok(())) => answer.await.unwrap_or(Err(StoreError::Busy)),
            None | Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) => Err(StoreError::Busy),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("a store thread has panicked");
        }
    }
}

fn read(connection: &Connection, tasks: &Receiver<Box<dyn Task>>) {
    while let Ok(mut task) = tasks.recv() {
        // One transaction, so that a task that reads twice sees one state.
        let done = connection
            .execute_batch("BEGIN")
            .map_err(database)
            .map(|()| task.run(connection));
        let ended = connection.execute_batch("COMMIT").map_err(database);
        task.answer(done.and(ended));
    }
}

fn write(connection: &Connection, tasks: &Receiver<Box<dyn Task>>) {
    while let Ok(first) = tasks.recv() {
        let mut group = vec![first];
        let committed =
            begin(connection, tasks, &mut group).and_then(|()| commit(connection, tasks, &mut group));
        if committed.is_err() && !connection.is_autocommit() {
            let _already_over = connection.execute_batch("ROLLBACK");
        }
        for task in group {
            task.answer(committed.clone());
        }
    }
}

/// Waits for the turn to write. Where it does not come, everybody who waits is told so together: one after the other, each
/// waiting anew, the last would be told long after having given up.
fn begin(
    connection: &Connection,
    tasks: &Receiver<Box<dyn Task>>,
    group: &mut Vec<Box<dyn Task>>,
) -> Result<(), StoreError> {
    connection
        .execute_batch("BEGIN IMMEDIATE")
        .map_err(database)
        .inspect_err(|_| group.extend(tasks.try_iter()))
}

fn commit(
    connection: &Connection,
    tasks: &Receiver<Box<dyn Task>>,
    group: &mut Vec<Box<dyn Task>>,
) -> Result<(), StoreError> {
    let execute = |sql| connection.execute_batch(sql).map_err(database);
    let mut next = 0;
    while let Some(task) = group.get_mut(next) {
        execute("SAVEPOINT task")?;
        if !task.run(connection) {
            execute("ROLLBACK TO task")?;
        }
        execute("RELEASE task")?;
        next += 1;
        if next == group.len() && next < GROUP {
            group.extend(tasks.try_recv());
        }
    }
    execute("COMMIT")
}
