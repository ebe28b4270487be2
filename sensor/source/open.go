package source

import (
	"errors"
	"fmt"
	"os"
)

// Options say how this host's audit records shall arrive.
type Options struct {
	Mode Mode
	// Kernel says how to use the kernel's socket; its Mode is set by Open.
	Kernel KernelOptions
	// Log is the audit daemon's log for the mode Tailing, and for Auto where
	// nothing better works.
	Log string
	// AudispSocket is the dispatcher's socket for the mode Audisp; empty for
	// standard input.
	AudispSocket string
	// Input is standard input.
	Input *os.File
	// Notify is told in a sentence what a person should know of the way that was
	// chosen, and of what happens to it later. It may be called from the
	// goroutine that calls Receive.
	Notify func(string)
}

// UnseenError says that another process holds the audit socket and that no way
// beside it works here.
type UnseenError struct {
	// Holder has the socket.
	Holder *HeldError
	// Multicast and Log say why neither works.
	Multicast, Log error
}

// Error says what can be done.
func (e *UnseenError) Error() string {
	return fmt.Sprintf("the kernel's audit socket is held by %s, and listening beside it does not work: %v; %v; "+
		"let the audit daemon start tripline as its plugin (see the files for /etc/audit/plugins.d or /etc/audisp/plugins.d), "+
		"give the path of its log with --source log --log FILE, or stop it", e.Holder.Who(), e.Multicast, e.Log)
}

// Unwrap gives the reasons.
func (e *UnseenError) Unwrap() []error { return []error{e.Multicast, e.Log} }

// Open starts to receive audit records in the way that the options ask for.
// Close puts back what it changed.
func Open(options Options) (Live, error) {
	options.Kernel.Mode, options.Kernel.Notify = options.Mode, options.Notify
	switch options.Mode {
	case Audisp:
		return openAudispBeside(options)
	case Tailing:
		return openTailBeside(options)
	case Auto:
		return openAuto(options)
	case Unicast, Multicast:
		return openKernelMode(options)
	}
	return nil, fmt.Errorf("there is no way to receive audit records called %q", options.Mode)
}

// openKernelMode opens the socket as asked for. A multicast that delivers
// nothing is an error where the kernel has none, and said where the reason may
// be another.
func openKernelMode(options Options) (Live, error) {
	opened, err := OpenKernel(options.Kernel)
	if err != nil {
		return nil, err
	}
	if opened.Mode() != Multicast {
		return opened, nil
	}
	unproven := opened.prove()
	if unproven != nil && !knowsAuditRead() {
		return nil, errors.Join(unproven, opened.Close())
	}
	if unproven != nil {
		options.Notify(unproven.Error())
	}
	return opened, nil
}

// openAuto uses the kernel's socket where nobody holds it or where multicast
// proves to deliver, and else the log of the audit daemon that holds it.
func openAuto(options Options) (Live, error) {
	opened, err := OpenKernel(options.Kernel)
	if err != nil {
		return nil, err
	}
	if opened.Mode() == Unicast {
		return opened, nil
	}
	unproven := opened.prove()
	if unproven == nil {
		return opened, nil
	}
	if notAsked(unproven) && knowsAuditRead() {
		options.Notify(unproven.Error())
		return opened, nil
	}
	holder := opened.Holder()
	tail, logErr := openLogOf(holder, options)
	if logErr == nil {
		if err := opened.Close(); err != nil {
			return nil, errors.Join(err, tail.Close())
		}
		options.Notify(unproven.Error() + ": following " + options.Log + " instead; as a plugin of the audit daemon (--source audisp) records arrive sooner")
		return tail, nil
	}
	if knowsAuditRead() {
		options.Notify(unproven.Error())
		return opened, nil
	}
	return nil, errors.Join(&UnseenError{Holder: holder, Multicast: unproven, Log: logErr}, opened.Close())
}

// openLogOf follows the log of the process that holds the socket, if it is known
// to write one.
func openLogOf(holder *HeldError, options Options) (*Tail, error) {
	if !holder.isDaemon() {
		return nil, fmt.Errorf("whether %s writes a log is not known", holder.Who())
	}
	tail, err := OpenTail(TailOptions{Path: options.Log, Notify: options.Notify})
	if err != nil {
		return nil, err
	}
	tail.holder = holder
	return tail, nil
}

// openAudispBeside reads what an audit daemon hands to its plugins.
func openAudispBeside(options Options) (Live, error) {
	holder, err := holderNow(options.Kernel.Control)
	if err != nil {
		return nil, err
	}
	a, err := OpenAudisp(AudispOptions{Socket: options.AudispSocket, Input: options.Input, Notify: options.Notify})
	if err != nil {
		return nil, err
	}
	a.holder = holder
	return a, nil
}

// openTailBeside follows the log that an audit daemon writes.
func openTailBeside(options Options) (Live, error) {
	holder, err := holderNow(options.Kernel.Control)
	if err != nil {
		return nil, err
	}
	t, err := OpenTail(TailOptions{Path: options.Log, Notify: options.Notify})
	if err != nil {
		return nil, fmt.Errorf("%w; log_file in /etc/audit/auditd.conf says where the daemon writes, --log FILE or [kernel] log tells tripline", err)
	}
	t.holder = holder
	if holder == nil {
		options.Notify("no audit daemon runs: nothing writes " + options.Log + " until one does")
	}
	return t, nil
}

// holderNow is the process that receives by unicast now.
func holderNow(control Control) (*HeldError, error) {
	status, err := control.Status()
	if err != nil {
		return nil, err
	}
	return liveHolder(status), nil
}

// isDaemon says whether the holder is auditd, whose log and plugins are known.
func (e *HeldError) isDaemon() bool { return e != nil && e.Name == "auditd" }
