// Package types has what the generated bindings are made of, in place of their own module.
package types

// Unit is nothing, as the value of a result.
type Unit struct{}

// Tuple2 is two values.
type Tuple2[A, B any] struct {
	F0 A
	F1 B
}

// The tags of an option and of a result.
const (
	OptionNone = 0
	OptionSome = 1
	ResultOk   = 0
	ResultErr  = 1
)

// Option is a value or none.
type Option[T any] struct {
	tag   uint8
	value T
}

// None is no value.
func None[T any]() Option[T] { return Option[T]{} }

// Some is a value.
func Some[T any](value T) Option[T] { return Option[T]{OptionSome, value} }

// Tag says which it is.
func (o Option[T]) Tag() uint8 { return o.tag }

// Some is the value, if there is one.
func (o Option[T]) Some() T { return o.value }

// Result is a value or an error.
type Result[T, E any] struct {
	tag uint8
	ok  T
	err E
}

// Ok is a good end.
func Ok[T, E any](value T) Result[T, E] { return Result[T, E]{tag: ResultOk, ok: value} }

// Err is a bad one.
func Err[T, E any](err E) Result[T, E] { return Result[T, E]{tag: ResultErr, err: err} }

// Tag says which it is.
func (r Result[T, E]) Tag() uint8 { return r.tag }

// Ok is the value of a good end.
func (r Result[T, E]) Ok() T { return r.ok }

// Err is the error of a bad one.
func (r Result[T, E]) Err() E { return r.err }
