package eql

import "tripline/internal/diag"

// UnknownFieldError says that a query reads a field that events do not have and
// does not mark it as optional.
type UnknownFieldError struct {
	// Field is the field's name.
	Field string
	// Err is the *diag.Error with the place.
	Err *diag.Error
}

// Error gives the place and the field.
func (e *UnknownFieldError) Error() string { return e.Err.Error() }

// Unwrap returns the *diag.Error with the place.
func (e *UnknownFieldError) Unwrap() error { return e.Err }
