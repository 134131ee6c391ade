;; WASI 0.1 on top of WASI 0.2, as far as a handler has any: clocks, random numbers, output. There are no files and no
;; sockets here.
;;
;; Why not the adapter that everybody uses: Go's memory is its collector's, and that looks at the clock while the node puts
;; an argument into it (`cabi_realloc`). A component must not call out then; wasmtime ends it. So this one calls out only
;; between `hive_enter` and `hive_leave`, which the SDKs call around the handler and within it around each call to the node,
;; and from a module's beginning until its first function is over, which has no arguments; at other times the clock says what
;; it said last, and random numbers are made from the last one.
(module
  (import "env" "memory" (memory 0))
  (import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $now (result i64)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $subscribe (param i64) (result i32)))
  (import "wasi:clocks/wall-clock@0.2.0" "now" (func $wall (param i32)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@0.2.0" "[resource-drop]pollable" (func $drop_pollable (param i32)))
  (import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))
  (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
  (import "wasi:cli/stderr@0.2.0" "get-stderr" (func $stderr (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[resource-drop]output-stream" (func $drop_stream (param i32)))

  ;; Where the handler lets results be written, 32 bytes; 0 while it may not call out.
  (global $scratch (mut i32) (i32.const 0))
  ;; What the clocks said last, in nanoseconds.
  (global $monotonic (mut i64) (i64.const 1))
  (global $realtime (mut i64) (i64.const 1))
  ;; Where random numbers stand; 0: not begun.
  (global $state (mut i64) (i64.const 0))

  (func (export "hive_enter") (param $scratch i32)
    (global.set $scratch (local.get $scratch)))
  (func (export "hive_leave")
    (global.set $scratch (i32.const 0)))

  (func (export "clock_res_get") (param i32 i32) (result i32)
    (i64.store align=1 (local.get 1) (i64.const 1000))
    (i32.const 0))

  (func (export "clock_time_get") (param $id i32) (param i64) (param $to i32) (result i32)
    (i64.store align=1 (local.get $to)
      (if (result i64) (local.get $id) (then (call $tick)) (else (call $date))))
    (i32.const 0))

  (func $tick (result i64)
    (if (global.get $scratch)
      (then (global.set $monotonic (call $now)))
      (else (global.set $monotonic (i64.add (global.get $monotonic) (i64.const 1)))))
    (global.get $monotonic))

  (func $date (result i64)
    (if (global.get $scratch)
      (then
        (call $wall (global.get $scratch))
        (global.set $realtime (i64.add
          (i64.mul (i64.load align=1 (global.get $scratch)) (i64.const 1000000000))
          (i64.load32_u offset=8 align=1 (global.get $scratch)))))
      (else (global.set $realtime (i64.add (global.get $realtime) (i64.const 1)))))
    (global.get $realtime))

  (func (export "random_get") (param $to i32) (param $length i32) (result i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $to) (local.get $length)))
    (block $done
      (loop $more
        (br_if $done (i32.ge_u (local.get $to) (local.get $end)))
        (i32.store8 (local.get $to) (i32.wrap_i64 (call $draw)))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (br $more)))
    (i32.const 0))

  ;; The node's random numbers; where it cannot be asked, splitmix64 from the last of them.
  (func $draw (result i64)
    (local $z i64)
    (if (global.get $scratch)
      (then (global.set $state (call $random)))
      (else (global.set $state (i64.add (global.get $state) (i64.const 0x9e3779b97f4a7c15)))))
    (local.set $z (global.get $state))
    (local.set $z (i64.mul
      (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 30))) (i64.const 0xbf58476d1ce4e5b9)))
    (local.set $z (i64.mul
      (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 27))) (i64.const 0x94d049bb133111eb)))
    (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 31))))

  ;; 1 and 2 are what handlers print; everything else is no file.
  (func (export "fd_write") (param $fd i32) (param $vector i32) (param $count i32) (param $written i32) (result i32)
    (local $stream i32) (local $at i32) (local $left i32) (local $part i32) (local $sum i32)
    (if (i32.gt_u (i32.sub (local.get $fd) (i32.const 1)) (i32.const 1)) (then (return (i32.const 8))))
    (if (global.get $scratch)
      (then
        (local.set $stream
          (if (result i32) (i32.eq (local.get $fd) (i32.const 1)) (then (call $stdout)) (else (call $stderr))))))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $at (i32.load align=1 (local.get $vector)))
        (local.set $left (i32.load offset=4 align=1 (local.get $vector)))
        (local.set $sum (i32.add (local.get $sum) (local.get $left)))
        (block $written
          (loop $more
            (br_if $written (i32.eqz (local.get $left)))
            (br_if $written (i32.eqz (global.get $scratch)))
            ;; No more goes at once.
            (local.set $part (select
              (local.get $left) (i32.const 4096) (i32.lt_u (local.get $left) (i32.const 4096))))
            (call $write (local.get $stream) (local.get $at) (local.get $part) (global.get $scratch))
            (local.set $at (i32.add (local.get $at) (local.get $part)))
            (local.set $left (i32.sub (local.get $left) (local.get $part)))
            (br $more)))
        (local.set $vector (i32.add (local.get $vector) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (if (global.get $scratch) (then (call $drop_stream (local.get $stream))))
    (i32.store align=1 (local.get $written) (local.get $sum))
    (i32.const 0))

  ;; Waits for the first clock that is asked for; of anything else nothing is to be awaited.
  (func (export "poll_oneoff")
    (param $in i32) (param $out i32) (param $count i32) (param $events i32) (result i32)
    (local $wait i64) (local $pollable i32)
    (if (i32.eqz (local.get $count)) (then (return (i32.const 28))))
    ;; userdata 0, tag 8, clock id 16, timeout 24, precision 32, flags 40; 48 bytes.
    (i64.store align=1 (local.get $out) (i64.load align=1 (local.get $in)))
    (i64.store offset=8 align=1 (local.get $out) (i64.const 0))
    (i64.store offset=16 align=1 (local.get $out) (i64.const 0))
    (i64.store offset=24 align=1 (local.get $out) (i64.const 0))
    (i32.store8 offset=10 (local.get $out) (i32.load8_u offset=8 (local.get $in)))
    (i32.store align=1 (local.get $events) (i32.const 1))
    (if (i32.load8_u offset=8 (local.get $in)) (then (return (i32.const 0))))
    (if (i32.eqz (global.get $scratch)) (then (return (i32.const 0))))
    (local.set $wait (i64.load offset=24 align=1 (local.get $in)))
    ;; A point in time, not a span.
    (if (i32.and (i32.load16_u offset=40 align=1 (local.get $in)) (i32.const 1))
      (then
        (local.set $wait (i64.sub (local.get $wait)
          (if (result i64) (i32.load offset=16 align=1 (local.get $in))
            (then (call $tick)) (else (call $date)))))
        (if (i64.le_s (local.get $wait) (i64.const 0)) (then (return (i32.const 0))))))
    (local.set $pollable (call $subscribe (local.get $wait)))
    (call $block (local.get $pollable))
    (call $drop_pollable (local.get $pollable))
    (i32.const 0))

  (func (export "sched_yield") (result i32) (i32.const 0))
  (func (export "proc_exit") (param i32) (unreachable))

  ;; Neither arguments nor an environment.
  (func (export "args_get") (param i32 i32) (result i32) (i32.const 0))
  (func (export "environ_get") (param i32 i32) (result i32) (i32.const 0))
  (func (export "args_sizes_get") (param i32 i32) (result i32)
    (i32.store align=1 (local.get 0) (i32.const 0))
    (i32.store align=1 (local.get 1) (i32.const 0))
    (i32.const 0))
  (func (export "environ_sizes_get") (param i32 i32) (result i32)
    (i32.store align=1 (local.get 0) (i32.const 0))
    (i32.store align=1 (local.get 1) (i32.const 0))
    (i32.const 0))

  ;; 0, 1 and 2 are character devices, and nothing else is open.
  (func (export "fd_fdstat_get") (param $fd i32) (param $to i32) (result i32)
    (if (i32.gt_u (local.get $fd) (i32.const 2)) (then (return (i32.const 8))))
    (i64.store align=1 (local.get $to) (i64.const 2))
    (i64.store offset=8 align=1 (local.get $to) (i64.const 64))
    (i64.store offset=16 align=1 (local.get $to) (i64.const 0))
    (i32.const 0))
  (func (export "fd_fdstat_set_flags") (param i32 i32) (result i32) (i32.const 0))
  (func (export "fd_close") (param i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32) (i32.const 8))

  ;; Not here.
  (func (export "fd_advise") (param i32 i64 i64 i32) (result i32) (i32.const 52))
  (func (export "fd_allocate") (param i32 i64 i64) (result i32) (i32.const 52))
  (func (export "fd_datasync") (param i32) (result i32) (i32.const 52))
  (func (export "fd_fdstat_set_rights") (param i32 i64 i64) (result i32) (i32.const 52))
  (func (export "fd_filestat_get") (param i32 i32) (result i32) (i32.const 52))
  (func (export "fd_filestat_set_size") (param i32 i64) (result i32) (i32.const 52))
  (func (export "fd_filestat_set_times") (param i32 i64 i64 i32) (result i32) (i32.const 52))
  (func (export "fd_pread") (param i32 i32 i32 i64 i32) (result i32) (i32.const 52))
  (func (export "fd_pwrite") (param i32 i32 i32 i64 i32) (result i32) (i32.const 52))
  (func (export "fd_read") (param i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "fd_readdir") (param i32 i32 i32 i64 i32) (result i32) (i32.const 52))
  (func (export "fd_renumber") (param i32 i32) (result i32) (i32.const 52))
  (func (export "fd_seek") (param i32 i64 i32 i32) (result i32) (i32.const 52))
  (func (export "fd_sync") (param i32) (result i32) (i32.const 52))
  (func (export "fd_tell") (param i32 i32) (result i32) (i32.const 52))
  (func (export "path_create_directory") (param i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_filestat_get") (param i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_filestat_set_times") (param i32 i32 i32 i32 i64 i64 i32) (result i32) (i32.const 52))
  (func (export "path_link") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) (i32.const 52))
  (func (export "path_readlink") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_remove_directory") (param i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_rename") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_symlink") (param i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_unlink_file") (param i32 i32 i32) (result i32) (i32.const 52))
  (func (export "proc_raise") (param i32) (result i32) (i32.const 52))
  (func (export "sock_accept") (param i32 i32 i32) (result i32) (i32.const 52))
  (func (export "sock_recv") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "sock_send") (param i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "sock_shutdown") (param i32 i32) (result i32) (i32.const 52))
)
