package kernel

import "fmt"

// FeatureError says that the kernel lacks a feature.
type FeatureError struct {
	// Feature names it in a user's words.
	Feature string
	// Since is the first upstream release that has it, such as "5.16".
	Since string
	// Err is the kernel's answer, if it gave one.
	Err error
}

func newFeatureError(feature Feature, err error) *FeatureError {
	return &FeatureError{Feature: feature.String(), Since: feature.Since(), Err: err}
}

// Error names the feature and the first kernel that has it.
func (e *FeatureError) Error() string {
	text := fmt.Sprintf("this kernel has no %s (upstream since Linux %s)", e.Feature, e.Since)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the kernel's answer.
func (e *FeatureError) Unwrap() error { return e.Err }
