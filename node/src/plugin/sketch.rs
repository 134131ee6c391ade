//! Guests sketched in a few lines of WebAssembly text, so that tests and measurements need no guest toolchain.
//!
//! What it owns: the layout of `describe`'s and `handle`'s results in a guest's memory. It must not see what comes from
//! outside: a sketch that does not fit is a mistake in this program, and panics.

use bytes::Bytes;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::UnresolvedPackageGroup;

use super::diff::wit;

/// A guest under construction. Without anything said it subscribes to nothing and handles everything with success.
pub struct Sketch {
    subscriptions: Vec<(String, bool)>,
    /// It listens as a member of the group of its own name.
    grouped: bool,
    timers: Vec<(String, String)>,
    publishes: Vec<String>,
    settings: Vec<(String, String)>,
    instances: u8,
    describe: String,
    handle: String,
    start: Option<String>,
    snapshot: Option<[String; 2]>,
    imports: String,
    /// A change of the WIT that it is made for: what stands there, and what instead.
    newer: Option<[String; 2]>,
    extra: String,
}

/// Where the description lies in the guest's memory; what `handle` returns lies before it.
const DESCRIPTION_AT: u32 = 1024;

impl Default for Sketch {
    fn default() -> Self {
        Self {
            subscriptions: Vec::new(),
            grouped: false,
            timers: Vec::new(),
            publishes: Vec::new(),
            settings: Vec::new(),
            instances: 0,
            describe: format!("i32.const {DESCRIPTION_AT}"),
            handle: OK.into(),
            start: None,
            snapshot: None,
            imports: String::new(),
            newer: None,
            extra: String::new(),
        }
    }
}

impl Sketch {
    /// It listens to nothing, publishes nothing and handles everything with success.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// It listens there.
    #[must_use]
    pub fn on(mut self, pattern: &str) -> Self {
        self.subscriptions.push((pattern.into(), false));
        self
    }

    /// Wherever it listens, it is a member of the group of its own name.
    #[must_use]
    pub fn grouped(mut self) -> Self {
        self.grouped = true;
        self
    }

    /// It answers there.
    #[must_use]
    pub fn answers(mut self, pattern: &str) -> Self {
        self.subscriptions.push((pattern.into(), true));
        self
    }

    /// It has a timer.
    #[must_use]
    pub fn timer(mut self, name: &str, schedule: &str) -> Self {
        self.timers.push((name.into(), schedule.into()));
        self
    }

    /// It means to publish there.
    #[must_use]
    pub fn publishes(mut self, pattern: &str) -> Self {
        self.publishes.push(pattern.into());
        self
    }

    /// It wants to be one instance.
    #[must_use]
    pub fn single(mut self) -> Self {
        self.instances = 2;
        self
    }

    /// What `describe` does; leaves an address on the stack.
    #[must_use]
    pub fn describe(mut self, body: &str) -> Self {
        self.describe = body.into();
        self
    }

    /// What `handle` does; leaves an address on the stack: [`OK`], or where it wrote something else.
    #[must_use]
    pub fn handle(mut self, body: &str) -> Self {
        self.handle = body.into();
        self
    }

    /// It exports `start`, which does this and leaves an address on the stack.
    #[must_use]
    pub fn start(mut self, body: &str) -> Self {
        self.start = Some(body.into());
        self
    }

    /// It exports `save`, which does the first and leaves an address on the stack, and `restore`, which does the second.
    #[must_use]
    pub fn snapshot(mut self, save: &str, restore: &str) -> Self {
        self.snapshot = Some([save.into(), restore.into()]);
        self
    }

    /// It imports a function of an interface of ours, and calls it by its name: what stands in `(func …)`.
    #[must_use]
    pub fn imports(mut self, interface: &str, function: &str, func: &str) -> Self {
        let import =
            format!(r#"(import "hive:node/{interface}@0.1.0" "{function}" (func ${function} {func}))"#);
        self.imports.push_str(&import);
        self
    }

    /// It is made for a WIT in which the second text stands in place of the first.
    #[must_use]
    pub fn made_for(mut self, from: &str, to: &str) -> Self {
        self.newer = Some([from.into(), to.into()]);
        self
    }

    /// Further functions and globals.
    #[must_use]
    pub fn with(mut self, text: &str) -> Self {
        self.extra.push_str(text);
        self
    }

    /// The core module, as text.
    fn text(&self) -> String {
        let data = self.description();
        let escaped: String = data.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let start = self.start.as_ref().map_or_else(String::new, |body| {
            format!(r#"(func $start (export "hive:node/startup@0.1.0#start") (result i32) {body})"#)
        });
        let snapshot = self.snapshot.as_ref().map_or_else(String::new, |[save, restore]| {
            format!(
                r#"(func $save (export "hive:node/snapshot@0.1.0#save") (result i32) {save})
                (func $restore (export "hive:node/snapshot@0.1.0#restore") (param i32 i32 i32 i32) (result i32)
                    {restore})"#
            )
        });
        let params = "i32 ".repeat(16);
        format!(
            r#"(module
                (import "hive:node/bus@0.1.0" "publish"
                    (func $publish (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
                (import "hive:node/bus@0.1.0" "request"
                    (func $request (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
                {imports}
                (memory (export "memory") 2)
                (global $free (mut i32) (i32.const 65536))
                (data (i32.const {DESCRIPTION_AT}) "{escaped}")
                (func $describe (export "hive:node/handler@0.1.0#describe") (result i32) {describe})
                (func $handle (export "hive:node/handler@0.1.0#handle") (param {params}) (result i32) {handle})
                {start}
                {snapshot}
                (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                    (local $at i32)
                    global.get $free local.set $at
                    global.get $free local.get 3 i32.const 15 i32.add i32.const -16 i32.and i32.add global.set $free
                    block $fits
                        global.get $free memory.size i32.const 16 i32.shl i32.le_u br_if $fits
                        i32.const 65536 global.set $free i32.const 65536 local.set $at
                    end
                    local.get $at)
                {extra})"#,
            describe = self.describe,
            handle = self.handle,
            imports = self.imports,
            extra = self.extra,
        )
    }

    /// The core module, as bytes.
    ///
    /// # Panics
    /// When the sketch is no WebAssembly text.
    #[must_use]
    pub fn module(&self) -> Vec<u8> {
        wat::parse_str(self.text()).expect("text that parses")
    }

    /// It says this of itself besides.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// The component.
    ///
    /// # Panics
    /// When the sketch does not fit the program's own WIT.
    #[must_use]
    pub fn build(&self) -> Bytes {
        let [from, to] = self.newer.clone().unwrap_or_default();
        let change =
            |text: &str| if from.is_empty() { text.to_owned() } else { text.replacen(&from, &to, 1) };
        let (mut resolve, _) = wit(change).expect("our own WIT");
        let optional = [("startup", self.start.is_some()), ("snapshot", self.snapshot.is_some())];
        let optional = optional.iter().filter(|(_, has)| *has);
        let optional: String =
            optional.map(|(export, _)| format!("export hive:node/{export}@0.1.0;")).collect();
        let world =
            format!("package hive:sketch; world sketch {{ include hive:node/plugin@0.1.0; {optional} }}");
        let world = UnresolvedPackageGroup::parse("sketch.wit", &world).expect("a world");
        let package = resolve.push_group(world).expect("a world of our own WIT");
        let world = resolve.select_world(&[package], Some("sketch")).expect("a world");
        let mut module = self.module();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("metadata");
        let mut encoder =
            ComponentEncoder::default().validate(true).module(&module).expect("a module that fits");
        encoder.encode().expect("a component").into()
    }

    /// `description` as the canonical ABI lays it out: the record, then its lists, then its texts.
    fn description(&self) -> Vec<u8> {
        const RECORD: usize = 52;
        const SUBSCRIPTION: usize = 36;
        const TIMER: usize = 28;
        const TEXT: usize = 8;
        let subscriptions = RECORD;
        let timers = subscriptions + self.subscriptions.len() * SUBSCRIPTION;
        let publishes = timers + self.timers.len() * TIMER;
        let settings = publishes + self.publishes.len() * TEXT;
        let mut data = Layout(vec![0; settings + self.settings.len() * 2 * TEXT]);
        data.text(0, "test");
        data.text(8, "1.2.3");
        data.0[16] = self.instances;
        data.list(20, subscriptions, self.subscriptions.len());
        data.list(28, timers, self.timers.len());
        data.list(36, publishes, self.publishes.len());
        data.list(44, settings, self.settings.len());
        for (n, (pattern, answers)) in self.subscriptions.iter().enumerate() {
            let at = subscriptions + n * SUBSCRIPTION;
            data.text(at, pattern);
            data.0[at + 8] = u8::from(self.grouped);
            data.0[at + 24] = u8::from(*answers);
        }
        for (n, (name, schedule)) in self.timers.iter().enumerate() {
            let at = timers + n * TIMER;
            data.text(at, name);
            data.text(at + 8, schedule);
        }
        for (n, pattern) in self.publishes.iter().enumerate() {
            data.text(publishes + n * TEXT, pattern);
        }
        for (n, (name, value)) in self.settings.iter().enumerate() {
            data.text(settings + n * 2 * TEXT, name);
            data.text(settings + n * 2 * TEXT + TEXT, value);
        }
        data.0
    }
}

/// `handle` succeeds without an answer: the memory at 8 is zero.
pub const OK: &str = "i32.const 8";

/// `handle` succeeds and echoes the payload it got.
pub const ECHO: &str = "
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.store8 (i32.const 24) (i32.const 1))
    (i32.store (i32.const 28) (local.get 2))
    (i32.store (i32.const 32) (local.get 3))
    (i32.store8 (i32.const 36) (i32.const 0))
    (i32.store8 (i32.const 48) (i32.const 0))
    (i32.store (i32.const 60) (i32.const 0))
    (i32.store (i32.const 64) (i32.const 0))
    i32.const 16";

/// Runs for ever.
pub const SPIN: &str = "loop $again br $again end unreachable";

/// Takes memory until there is none, then traps.
pub const EAT: &str = "
    loop $more (memory.grow (i32.const 16)) i32.const -1 i32.ne br_if $more end unreachable";

struct Layout(Vec<u8>);

impl Layout {
    fn list(&mut self, at: usize, first: usize, count: usize) {
        let address = usize::try_from(DESCRIPTION_AT).expect("small") + first;
        self.number(at, address);
        self.number(at + 4, count);
    }

    fn text(&mut self, at: usize, text: &str) {
        let end = self.0.len();
        self.0.extend_from_slice(text.as_bytes());
        self.list(at, end, text.len());
    }

    fn number(&mut self, at: usize, value: usize) {
        let bytes = u32::try_from(value).expect("small").to_le_bytes();
        self.0[at..at + 4].copy_from_slice(&bytes);
    }
}
