package source

import (
	"errors"
	"testing"

	"tripline/auditrules/kernel"
)

// fakeKernel is a kernel's audit status.
type fakeKernel struct {
	status  kernel.Status
	ignores kernel.Setting // a setting that it does not know
	refuses error
}

func (f *fakeKernel) Status() (kernel.Status, error) { return f.status, nil }

func (f *fakeKernel) Set(setting kernel.Setting, value uint32) error {
	if f.refuses != nil {
		return f.refuses
	}
	if setting == f.ignores {
		return nil
	}
	switch setting {
	case kernel.SettingEnabled:
		f.status.Enabled = value
	case kernel.SettingFailure:
		f.status.Failure = value
	case kernel.SettingBacklogLimit:
		f.status.BacklogLimit = value
	case kernel.SettingBacklogWaitTime:
		f.status.BacklogWaitTime = value
	case kernel.SettingRateLimit:
		f.status.RateLimit = value
	}
	return nil
}

// owned is a kernel source that owns the socket, without one.
func owned(f *fakeKernel) *Kernel {
	return &Kernel{control: f, owner: true, settings: settings{control: f}}
}

func TestAdjustAndRestore(t *testing.T) {
	fresh := kernel.Status{BacklogLimit: 64, BacklogWaitTime: 15000, Features: kernel.FeatureBacklogWaitTime}
	for _, test := range []struct {
		name   string
		kernel fakeKernel
		during kernel.Status
	}{
		{"fresh", fakeKernel{status: fresh}, kernel.Status{Enabled: 1, BacklogLimit: 8192, Features: fresh.Features}},
		{
			"set up already",
			fakeKernel{status: kernel.Status{Enabled: 1, BacklogLimit: 20000, Features: fresh.Features}},
			kernel.Status{Enabled: 1, BacklogLimit: 20000, Features: fresh.Features},
		},
		{
			"panics when records are lost",
			fakeKernel{status: kernel.Status{BacklogLimit: 64, Failure: 2, Features: fresh.Features}},
			kernel.Status{Enabled: 1, BacklogLimit: 8192, Failure: 1, Features: fresh.Features},
		},
		{"no backlog limit at all", fakeKernel{status: kernel.Status{Enabled: 1, Features: fresh.Features}}, kernel.Status{Enabled: 1, Features: fresh.Features}},
		{
			"wait time not settable",
			fakeKernel{status: kernel.Status{BacklogLimit: 64, BacklogWaitTime: 60000}},
			kernel.Status{Enabled: 1, BacklogLimit: waitingBacklog, BacklogWaitTime: 60000, RateLimit: waitingRate},
		},
		{
			"wait time ignored in silence",
			fakeKernel{status: fresh, ignores: kernel.SettingBacklogWaitTime},
			kernel.Status{Enabled: 1, BacklogLimit: 8192, BacklogWaitTime: 15000, Features: fresh.Features},
		},
		{
			"locked",
			fakeKernel{status: kernel.Status{Enabled: 2, BacklogLimit: 64}, refuses: errors.New("locked")},
			kernel.Status{Enabled: 2, BacklogLimit: 64},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := test.kernel.status
			k := owned(&test.kernel)
			if err := k.adjust(before, KernelOptions{BacklogLimit: 8192}); err != nil {
				t.Fatal(err)
			}
			if test.kernel.status != test.during {
				t.Errorf("it became %+v, want %+v", test.kernel.status, test.during)
			}
			if err := k.settings.restore(); err != nil {
				t.Fatal(err)
			}
			if test.kernel.status != before {
				t.Errorf("it is left as %+v, was %+v", test.kernel.status, before)
			}
		})
	}
}

func TestRestoreLeavesWhatOthersSet(t *testing.T) {
	f := &fakeKernel{status: kernel.Status{BacklogLimit: 64, Features: kernel.FeatureBacklogWaitTime}}
	k := owned(f)
	if err := k.adjust(f.status, KernelOptions{BacklogLimit: 8192}); err != nil {
		t.Fatal(err)
	}
	f.status.BacklogLimit = 30000
	if err := k.settings.restore(); err != nil {
		t.Fatal(err)
	}
	if f.status.BacklogLimit != 30000 || f.status.Enabled != 0 {
		t.Errorf("it is left as %+v", f.status)
	}
}

func TestBesideDaemonNothingChanges(t *testing.T) {
	f := &fakeKernel{status: kernel.Status{BacklogLimit: 64, BacklogWaitTime: 15000, Features: kernel.FeatureBacklogWaitTime}}
	before := f.status
	k := &Kernel{control: f, holder: &HeldError{PID: 1}, settings: settings{control: f}}
	if err := k.adjust(f.status, KernelOptions{BacklogLimit: 8192}); err != nil {
		t.Fatal(err)
	}
	if f.status != before || len(k.Changes()) != 0 {
		t.Errorf("it became %+v", f.status)
	}
}

func TestRestoreAfterAFailedChange(t *testing.T) {
	f := &fakeKernel{status: kernel.Status{BacklogLimit: 64}, refuses: errors.New("no")}
	k := owned(f)
	if err := k.adjust(f.status, KernelOptions{BacklogLimit: 8192}); err == nil {
		t.Error("no error")
	}
	f.refuses = nil
	if err := k.settings.restore(); err != nil || f.status.BacklogLimit != 64 {
		t.Errorf("%v, left as %+v", err, f.status)
	}
}
