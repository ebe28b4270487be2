package source

import (
	"errors"
	"testing"

	"tripline/auditrules/kernel"
)

// TestNotAsked tells a kernel that delivers nothing from one that could not be asked:
// only the first is a reason to follow a log instead.
func TestNotAsked(t *testing.T) {
	for _, test := range []struct {
		unproven error
		want     bool
	}{
		{&DeliveryError{}, false},
		{&DeliveryError{Err: errors.New("other")}, false},
		{&DeliveryError{Err: errAuditOff}, true},
		{&DeliveryError{Err: kernel.ErrPermission}, true},
	} {
		if got := notAsked(test.unproven); got != test.want {
			t.Errorf("%v: %v", test.unproven, got)
		}
	}
}
