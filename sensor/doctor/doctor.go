package doctor

import (
	"errors"
	"io/fs"
	"time"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
	"tripline/config"
)

// Kernel is what the checks ask of the kernel's audit control; *kernel.Client is
// the real one.
type Kernel interface {
	Status() (kernel.Status, error)
	Rules() ([][]byte, error)
	Features() kernel.Features
	ProveMulticast() kernel.Support
	Close() error
}

// Options say what is examined.
type Options struct {
	// Files is the root of the host's file system.
	Files fs.FS
	// Open connects to the kernel's audit control.
	Open func() (Kernel, error)
	// Unaudited is what is known of the kernel where audit cannot be opened.
	Unaudited kernel.Features
	// FreeSpace is how many bytes a file in a folder could still get.
	FreeSpace func(folder string) (uint64, error)
	// Now is the wall clock.
	Now time.Time
	// Config is the configuration, or the default one where ConfigErr says what
	// is wrong with the user's.
	Config    *config.Config
	ConfigErr error
	// Rules is how many detection rules run, and RulesErr the defects of others.
	Rules    int
	RulesErr error
	// Plan has the kernel rules that the detection rules need, nil where PlanErr
	// says why there is none.
	Plan    *auditrules.Plan
	PlanErr error
	// LockFile is the file that a running sensor holds locked.
	LockFile string
}

// examination is what the checks share: everything was read once, before them.
type examination struct {
	Options
	host      host
	features  kernel.Features
	openErr   error
	status    kernel.Status
	statusErr error
	rules     [][]byte
	rulesErr  error
	self      processStatus
}

// Examine makes every check and changes nothing.
func Examine(options Options) (*Report, error) {
	e := &examination{Options: options, host: host{options.Files}}
	e.self = e.host.processStatus("self")
	if err := e.askKernel(); err != nil {
		return nil, err
	}
	report := &Report{Kernel: abilitiesOf(e.features)}
	for _, check := range []func() Check{
		e.checkConfiguration, e.checkDetectionRules,
		e.checkAudit, e.checkPrivileges, e.checkNamespaces, e.checkContainer,
		e.checkEnabled, e.checkReceiver, e.checkMulticast, e.checkJournal, e.checkSensor,
		e.checkBacklog, e.checkWaitTime, e.checkFailureMode, e.checkRateLimit, e.checkLost,
		e.checkForeignRules, e.checkTaskRules, e.checkOldProcesses, e.checkBlindSpots,
		e.checkProc, e.checkClock, e.checkDisk, e.checkConfinement,
	} {
		report.Checks = append(report.Checks, check())
	}
	report.conclude()
	return report, nil
}

// askKernel asks everything of the kernel, and closes the connection. Only a
// connection that cannot be closed is an error; what cannot be asked is kept for
// the checks.
func (e *examination) askKernel() error {
	control, err := e.Open()
	if err != nil {
		e.openErr, e.statusErr, e.rulesErr = err, err, err
		e.features = e.Unaudited
		return nil
	}
	e.status, e.statusErr = control.Status()
	e.rules, e.rulesErr = control.Rules()
	e.features = control.Features()
	e.features.MulticastDelivered = control.ProveMulticast()
	return control.Close()
}

// unseen is a check that could not be made because the kernel does not answer.
func (e *examination) unseen(check Check, err error) Check {
	check.State = Unknown
	switch {
	case errors.Is(err, kernel.ErrNoAudit):
		check.Text = "not there: this kernel offers no audit"
	case errors.Is(err, kernel.ErrPermission):
		check.Text = "not seen: needs CAP_AUDIT_CONTROL on the host itself"
	default:
		check.Text = "not seen: " + err.Error()
	}
	return check
}
