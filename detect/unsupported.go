package detect

import "tripline/internal/diag"

// UnsupportedError says that a query is valid EQL, and that what it asks for
// needs events that have an end: it was compiled without CompileOptions.Finite.
type UnsupportedError struct {
	// Feature names what the query asks for: "sample", "pipe tail".
	Feature string
	// Err is the *diag.Error with the place.
	Err *diag.Error
}

// Error gives the place and the feature.
func (e *UnsupportedError) Error() string { return e.Err.Error() }

// Unwrap returns the *diag.Error with the place.
func (e *UnsupportedError) Unwrap() error { return e.Err }
