// Package runtime gives the node memory of Go's, and says when the handler may call out.
package runtime

import (
	"runtime"
	"unsafe"
)

// What the node was given for arguments and results and nobody has looked at yet.
var given runtime.Pinner

// Allocate gives memory that stays where it is until it is unpinned.
func Allocate(pinner *runtime.Pinner, size, align uintptr) unsafe.Pointer {
	if size == 0 {
		// Nobody looks there; only aligned it must be.
		return unsafe.Pointer(uintptr(8))
	}
	// Of words, so that whatever is put there is aligned.
	memory := unsafe.Pointer(unsafe.SliceData(make([]uint64, (size+7)/8)))
	pinner.Pin(memory)
	return memory
}

// Unpin lets go of what was given: from here on Go's own pointers hold it.
func Unpin() { given.Unpin() }

//go:wasmexport cabi_realloc
func realloc(old unsafe.Pointer, oldSize, align, newSize uint32) unsafe.Pointer {
	fresh := Allocate(&given, uintptr(newSize), uintptr(align))
	if oldSize > 0 {
		copy(unsafe.Slice((*byte)(fresh), newSize), unsafe.Slice((*byte)(old), oldSize))
	}
	return fresh
}

// Where the adapter for WASI lets results be written.
var scratch [4]uint64

//go:wasmimport wasi_snapshot_preview1 hive_enter
func enter(scratch unsafe.Pointer)

//go:wasmimport wasi_snapshot_preview1 hive_leave
func leave()

// Packages begin, and what they print is heard, until the first Within is over: that has no arguments, so nothing is put into
// our memory before.
func init() { enter(unsafe.Pointer(&scratch)) }

// Within runs what may look at the clock, print and the like: everything but calls of the node, during which it puts
// results into our memory.
func Within(run func()) {
	enter(unsafe.Pointer(&scratch))
	defer leave()
	run()
}

// Outside runs a call of the node within Within.
func Outside[T any](call func() T) T {
	leave()
	value := call()
	enter(unsafe.Pointer(&scratch))
	return value
}
