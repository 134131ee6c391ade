//! What the macro says to wrong use. What it writes for right use is tested by running it, in hive-guest.

use std::str::FromStr;

use proc_macro2::TokenStream;

use super::plugin;

#[track_caller]
fn check(settings: &str, item: &str, message: &str) {
    let parse = |text: &str| TokenStream::from_str(text).expect("the test's tokens");
    let found = plugin(parse(settings), parse(item)).expect_err("it is wrong use").to_string();
    assert!(found.contains(message), "for {settings:?} on {item:?} it says {found:?}");
}

#[test]
fn settings_are_checked() {
    check("", "fn f() {}", "it subscribes to nothing: name a pattern");
    check("\"a//b\"", "fn f() {}", "no empty segments");
    check("\"a\", \"b\", \"a\"", "fn f() {}", "subscribed to above");
    check("\"a\", singel", "fn f() {}", "there is no setting `singel`; expected a pattern");
    check("\"a\", single, pool", "fn f() {}", "the instances setting stands here twice");
    check("\"a\", name = \"x\", name = \"y\"", "fn f() {}", "stands here twice");
    check("\"a\", publishes = [\"x*\"]", "fn f() {}", "whole segments only");
    check("\"a\", group = \"\"", "fn f() {}", "a group's name is not empty");
    check("\"a\" \"b\"", "fn f() {}", "expected `,`");
    check("5", "fn f() {}", "expected a pattern such as");
    check("\"a\"", "mod m {}", "a module takes no pattern");
    check("group", "mod m {}", "concerns one subscription");
    check("", "mod m { #[on(\"a\", single)] fn f() {} }", "concerns the whole plugin");
}

#[test]
fn signatures_are_checked() {
    let check = |item, message| check("\"a\"", item, message);
    check("async fn f() {}", "is not `async`");
    check("unsafe fn f() {}", "is not `unsafe`");
    check("fn f<T>(x: T) {}", "is not generic");
    check("extern \"C\" fn f() {}", "a plain Rust function");
    check("fn f(&self) {}", "without `self`");
    check("fn f(x: &mut Event) {}", "take the payload by value");
    check("fn f(x: impl Into<u8>) {}", "name the type");
    check("fn f(x: u8, y: u8) {}", "a handler takes one payload");
    check("fn f(x: &Context, y: hive::Context<'_>) {}", "one `Context` is enough");
    check("struct S;", "stands on a function or on a module");
}

#[test]
fn modules_are_checked() {
    let check = |item, message| check("", item, message);
    check("mod m;", "between `{` and `}`");
    check("mod m { fn f() {} }", "no function of the module takes events");
    check("mod m { #[on] fn f() {} }", "it subscribes to nothing");
    check("mod m { #[on(\"a\")] #[hive::on(\"b\")] fn f() {} }", "holds all patterns");
    check("mod m { #[on(\"a\")] fn f() {} #[on(\"a\")] fn g() {} }", "subscribed to above");
    check("mod m { #[start] fn f(x: u8) {} #[on(\"a\")] fn g() {} }", "takes nothing");
    check("mod m { #[start] fn f() {} #[start] fn g() {} }", "starts once");
    check("mod m { #[start(now)] fn f() {} }", "takes no settings");
    check("mod m { #[save] fn f() -> u8 { 1 } #[on(\"a\")] fn g() {} }", "what is saved must be restored");
    check("mod m { #[restore] fn f(x: u8) {} #[on(\"a\")] fn g() {} }", "nothing is there to be restored");
    check("mod m { #[restore] fn f() {} #[on(\"a\")] fn g() {} }", "takes what was saved");
    check("mod m { #[restore] fn f(x: &u8) {} #[on(\"a\")] fn g() {} }", "by value");
    check("mod m { #[save] fn f(x: u8) {} #[on(\"a\")] fn g() {} }", "takes nothing");
    let both = "mod m { #[save] fn f() -> u8 { 1 } #[restore] fn r(x: u8) {} #[on(\"a\")] fn g() {} }";
    check(both, "only the memory of a `single` plugin");
    check("mod m { #[tick] fn f() {} }", "say when");
    check("mod m { #[tick(\"hourly\")] fn f() {} }", "five fields of cron");
    check("mod m { #[tick(\"@every 5s\", node)] fn f() {} }", "expected `mesh`");
}
