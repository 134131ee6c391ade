//! Tasks run, wait, pass, panic and are dropped; the lanes take what is theirs.

use super::*;

fn threads(count: usize) -> Threads {
    Threads::start(count).expect("threads")
}

#[tokio::test]
async fn tasks_end_and_say_what_came_of_them() {
    let threads = threads(2);
    let tasks: Vec<_> = (0..100_u64)
        .map(|n| {
            threads.spawn(async move {
                for _ in 0..n {
                    pass().await;
                }
                let mut timer = tokio::time::interval(Duration::from_micros(n + 1));
                timer.tick().await;
                timer.tick().await;
                n
            })
        })
        .collect();
    for (n, task) in (0..).zip(tasks) {
        assert_eq!(task.await, Ok(n));
    }
}

#[test]
fn who_used_a_turn_goes_on_in_the_slow_lane() {
    let lines = Arc::new(Lines::default());
    let task = || {
        let (future, state) = (Mutex::default(), AtomicU8::new(QUEUED));
        Arc::new(Task { future, state, lines: Arc::clone(&lines) })
    };
    let lengths = || {
        let queues = lines.lock();
        (queues.woken.len(), queues.passed.len())
    };
    (0..4).for_each(|n| lines.push(task(), (n % 2 == 0).then_some(Lane::Fast)));
    let pop = |lane| lines.lock().pop(lane).is_some();
    assert!(pop(Lane::Fast) && pop(Lane::Fast));
    assert_eq!(lengths(), (0, 2));
    assert!(!pop(Lane::Fast), "the fast lane is kept free for who is woken next");
    lines.push(task(), None);
    assert!(pop(Lane::Slow) && pop(Lane::Slow));
    assert_eq!(lengths(), (1, 0));
    assert!(pop(Lane::Slow), "nobody is idle while others wait");
}

#[tokio::test]
async fn a_task_that_passes_lets_another_run() {
    let threads = threads(1);
    let (told, hears) = oneshot::channel();
    let patient = threads.spawn(async move {
        let mut hears = hears;
        while hears.try_recv().is_err() {
            pass().await;
        }
    });
    let other = threads.spawn(async move { told.send(()) });
    assert_eq!(other.await, Ok(Ok(())));
    assert_eq!(patient.await, Ok(()));
}

#[tokio::test]
async fn a_panic_ends_its_task_and_no_thread() {
    let threads = threads(1);
    assert_eq!(threads.spawn(async { panic!("on purpose") }).await, Err::<(), _>(Ended));
    assert_eq!(threads.spawn(async { 7 }).await, Ok(7));
    assert_eq!(threads.aside(|| 8).await, Ok(8));
}

#[tokio::test]
async fn what_never_ran_is_dropped_at_the_end() {
    let threads = threads(1);
    let (held, gone) = oneshot::channel::<()>();
    let task = threads.spawn(async move {
        std::future::pending::<()>().await;
        drop(held);
    });
    let busy = threads.spawn(async { std::hint::black_box(0) });
    assert_eq!(busy.await, Ok(0));
    drop(threads);
    assert_eq!(task.await, Err(Ended));
    assert!(gone.await.is_err());
}
