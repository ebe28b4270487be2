package detect

import "tripline/internal/diag"

// UnsupportedError says that a query is valid EQL and is not evaluated as it
// was compiled.
type UnsupportedError struct {
	// Feature names what is not evaluated: "sample", "pipe tail".
	Feature string
	// Err is the *diag.Error with the place.
	Err *diag.Error
}

// Error gives the place and the feature.
func (e *UnsupportedError) Error() string { return e.Err.Error() }

// Unwrap returns the *diag.Error with the place.
func (e *UnsupportedError) Unwrap() error { return e.Err }
