package live

import (
	"testing"

	"tripline/auditrules/kernel"
)

// TestFeatures asks the running kernel what it can do, with auditing off and on,
// and sees that nothing is left behind.
func TestFeatures(t *testing.T) {
	needLive(t)
	unchanged(t)
	for name, enabled := range map[string]uint32{"off": 0, "on": 1} {
		t.Run("auditing "+name, func(t *testing.T) {
			client, err := kernel.Open()
			if err != nil {
				t.Fatal(err)
			}
			before, err := client.Status()
			if err != nil {
				t.Fatal(err)
			}
			setEnabled(t, client, enabled)
			t.Cleanup(func() {
				setEnabled(t, client, before.Enabled)
				_ = client.Close()
			})
			features := client.Features()
			t.Logf("%+v", features)
			if features.Release == "" || features.StatusSize < 32 || features.ReceiveBuffer == 0 {
				t.Errorf("this cannot be: %+v", features)
			}
			for _, feature := range kernel.AllFeatures() {
				if features.Has(feature) == kernel.Unknown {
					t.Errorf("whether the kernel has %v is not known to a privileged process", feature)
				}
			}
			if again := client.Features(); again != features {
				t.Errorf("asked again it is %+v", again)
			}
			want := kernel.Unknown // nothing is recorded
			if enabled == 1 {
				want = features.Multicast
			}
			if proven := client.ProveMulticast(); proven != want || client.Features().MulticastDelivered != want {
				t.Errorf("that a record is delivered is %v, not %v", proven, want)
			}
		})
	}
}
