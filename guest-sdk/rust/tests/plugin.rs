//! What the macro writes, run on the fake node: every kind of payload, of answer, of failure and of setting.

mod plugin {
    //! One file a concern; one binary, because each would link the whole SDK again.
    mod answers;
    mod context;
    mod failures;
    mod payloads;
    mod settings;
    mod several;
    mod timers;
}
