//! A handler that does what none should: which thing, the last segment of the channel says; for its start, the
//! configuration's `start`.

#[hive::plugin(publishes = ["rogue/*", "slow/*"])]
mod rogue {
    use std::{hint::black_box, mem};

    use hive::{Context, Event, Message, Result};

    #[start]
    fn begin() -> std::result::Result<(), String> {
        match hive::config::get("start").as_deref() {
            Some("spin") => spin(),
            Some("panic") => panic!("no start today"),
            Some("refuse") => Err("not today".into()),
            _ => Ok(()),
        }
    }

    #[on("rogue/*", answers)]
    fn handle(event: &Event, ctx: &Context) -> Result<Vec<u8>> {
        match ctx.segment(1).unwrap_or_default() {
            "spin" => spin(),
            "panic" => {
                eprintln!("these are its last words");
                panic!("as it was asked to");
            }
            "memory" => hoard(),
            "stack" => Ok(vec![deep(1) as u8]),
            "handles" => loop {
                mem::forget(wasip2::clocks::monotonic_clock::subscribe_duration(1));
            },
            "clock" => loop {
                black_box(std::time::Instant::now());
            },
            "answer" => Ok(vec![b'x'; 2 << 20]),
            "publish" => {
                ctx.publish_message("rogue/fine", &Message::bytes(vec![b'x'; 2 << 20]))?;
                Ok(Vec::new())
            }
            "reject" => Err(hive::reject("no ".repeat(1 << 20))),
            "flood" => loop {
                // What it is told does not stop it.
                let _ = ctx.publish_message("rogue/again", &Message::default());
            },
            "again" => {
                for _ in 0..2 {
                    ctx.publish_message("rogue/again", &Message::default())?;
                }
                Ok(Vec::new())
            }
            "recurse" => Ok(ctx.call_message("rogue/recurse", &event.message)?.payload),
            "sleep" => Ok(ctx.call_message("slow/forever", &event.message)?.payload),
            "log" => loop {
                hive::info!("{}", "a line of a gigabyte ".repeat(48));
            },
            "print" => loop {
                println!("{}", "a line of a gigabyte ".repeat(48));
            },
            _ => Ok(event.message.payload.clone()),
        }
    }

    fn spin() -> ! {
        loop {
            black_box(());
        }
    }

    fn hoard() -> ! {
        let mut hoard = Vec::new();
        loop {
            hoard.push(black_box(vec![1_u8; 1 << 20]));
        }
    }

    /// Takes a piece of the stack each time.
    fn deep(depth: u64) -> u64 {
        let piece = black_box([depth; 64]);
        if depth == u64::MAX { piece[0] } else { deep(black_box(depth + 1)) + piece[3] }
    }
}
