;; The way into an interpreter that is running already: the component exports nothing that would have it load a project.
(module
  (import "in" "memory" (memory 0))
  (import "in" "malloc" (func $malloc (param i32) (result i32)))
  (import "in" "free" (func $free (param i32)))
  (import "in" "PyGILState_Ensure" (func $enter (result i32)))
  (import "in" "PyGILState_Release" (func $leave (param i32)))
  (import "in" "PyRun_SimpleString" (func $run (param i32) (result i32)))
  (import "in" "__wasilibc_reset_preopens" (func $forget_folders))
  (import "in" "reset_adapter_state" (func $forget_streams))

  (data $source "import hive_base; hive_base.load()\00")

  ;; 0: it is loaded. What is opened meanwhile is another program's when the component runs.
  (func (export "load") (result i32)
    (local $text i32) (local $entered i32) (local $failed i32)
    (local.set $text (call $malloc (i32.const 35)))
    (memory.init $source (local.get $text) (i32.const 0) (i32.const 35))
    (local.set $entered (call $enter))
    (local.set $failed (call $run (local.get $text)))
    (call $leave (local.get $entered))
    (call $free (local.get $text))
    (call $forget_streams)
    (call $forget_folders)
    (local.get $failed)))
