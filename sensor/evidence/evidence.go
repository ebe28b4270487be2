package evidence

import (
	"fmt"
	"time"

	"tripline/sensor/packages"
	"tripline/sensor/prevalence"
)

// Request asks for the evidence of one alert. Its texts are kept and must not
// change.
type Request struct {
	// Matched is when the rule matched, FirstEvent the time of the earliest
	// matched event.
	Matched, FirstEvent time.Time
	// Stored, if set, is closed once the alert is where it is kept. What takes time
	// and will still be there waits for that, for 10 ms at most, and leaves the
	// processors to it.
	Stored <-chan struct{}
	// PID is the thread group of the process that the alert is about, 0 where it
	// is not known. EntityID is its identity, and Verified says that /proc had it.
	PID      uint32
	EntityID string
	Verified bool
	// ParentPID and the rest are what the events say of the process, for when it
	// is gone.
	ParentPID                     uint32
	Executable, CommandLine, Name string
	// UserID is the effective user, LoginID who logged in, empty for nobody.
	UserID, LoginID string
}

// Evidence is what was found.
type Evidence struct {
	// Gathered is when the gathering began; Delay is how long after the match
	// that was, and Took how long it took, in milliseconds.
	Gathered time.Time `json:"gathered"`
	Delay    int64     `json:"delay_ms"`
	Took     int64     `json:"took_ms"`
	// Process says whether the process was still there: "running", "ended", or
	// "unknown" where the alert names none.
	Process string `json:"process_state"`
	// Incomplete says that a part is missing or not whole; it says why.
	Incomplete bool        `json:"incomplete,omitempty"`
	Hints      []Hint      `json:"hints,omitempty"`
	Tree       *Tree       `json:"process_tree"`
	Executable *Executable `json:"executable"`
	Prevalence *Prevalence `json:"prevalence"`
	Sockets    *Sockets    `json:"sockets"`
	Listeners  *Listeners  `json:"listeners"`
	Sessions   *Sessions   `json:"sessions"`
	Container  *Container  `json:"container"`
}

// The values of Evidence.Process.
const (
	Running = "running"
	Ended   = "ended"
	Unknown = "unknown"
)

// Part begins every part of the evidence.
type Part struct {
	// Read is when the part was read; the zero time where it was not.
	Read time.Time `json:"read,omitzero"`
	// Failed says what could not be read, and why.
	Failed []string `json:"failed,omitempty"`
}

// failureLimit bounds how many failures one part tells.
const failureLimit = 8

// fail notes what could not be read.
func (p *Part) fail(format string, values ...any) {
	if len(p.Failed) < failureLimit {
		p.Failed = append(p.Failed, fmt.Sprintf(format, values...))
	}
}

// begin stamps a part with the time.
func (p *Part) begin() { p.Read = now() }

// now is the time as evidence shows it: UTC, in milliseconds.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// User is a user by number and, where the host knows it, by name.
type User struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// Tree is the line of processes from that of the alert up to the first one.
type Tree struct {
	Part
	Processes []Process `json:"processes,omitempty"`
}

// Process is one process of the tree.
type Process struct {
	PID         uint32    `json:"pid"`
	ParentPID   uint32    `json:"parent_pid"`
	Name        string    `json:"name,omitempty"`
	Executable  string    `json:"executable,omitempty"`
	CommandLine string    `json:"command_line,omitempty"`
	Directory   string    `json:"working_directory,omitempty"`
	Start       time.Time `json:"start,omitzero"`
	User        *User     `json:"user,omitempty"`
	// Login is who logged in, in which audit session; empty where nobody did.
	Login   *User  `json:"login,omitempty"`
	Session string `json:"audit_session,omitempty"`
	// Leader is the pid of the leader of its session, Terminal its controlling
	// terminal's device number, empty for none.
	Leader   uint32 `json:"session_leader,omitempty"`
	Terminal string `json:"terminal,omitempty"`
	// Kernel says that it is a thread of the kernel, which has no executable.
	Kernel bool `json:"kernel_thread,omitempty"`
	// Source is "event" where the process was gone and only the alert's events
	// tell of it.
	Source string `json:"source,omitempty"`
}

// Executable is what is known of the file that the process executes.
type Executable struct {
	Part
	Path string `json:"path,omitempty"`
	// Source is "process" for the very file that the process executes, and "path"
	// for the file that had its path afterwards, which may be another one.
	Source   string    `json:"source,omitempty"`
	SHA256   string    `json:"sha256,omitempty"`
	Size     int64     `json:"size,omitempty"`
	Mode     string    `json:"mode,omitempty"` // octal, "0755"
	Owner    *User     `json:"owner,omitempty"`
	Group    string    `json:"group_id,omitempty"`
	Modified time.Time `json:"mtime,omitzero"`
	Changed  time.Time `json:"ctime,omitzero"`
	// Device is "MAJOR:MINOR" and Inode the file's number on it.
	Device  string `json:"device,omitempty"`
	Inode   uint64 `json:"inode,omitempty"`
	Deleted bool   `json:"deleted,omitempty"`
	Memfd   bool   `json:"memfd,omitempty"`
	// Package is the package that the file's path belongs to. PackageState is
	// "owned", "none" where no package has the path, or "unknown".
	Package      *packages.Package `json:"package,omitempty"`
	PackageState string            `json:"package_state,omitempty"`
}

// Prevalence says whether the executable connected before on this host.
type Prevalence struct {
	Part
	prevalence.Record
	// FirstConnection says that this is the first time that the sensor saw the
	// executable connect, Since how long the sensor remembers.
	FirstConnection bool      `json:"first_connection"`
	Since           time.Time `json:"remembered_since,omitzero"`
	// FileChanged says that another file had the path when it connected before.
	FileChanged bool `json:"file_changed,omitempty"`
	// AfterInstall is how long after the package's installation the first
	// connection was, in days.
	AfterInstall *int64 `json:"days_after_install,omitempty"`
}

// Sockets are the open sockets of the process.
type Sockets struct {
	Part
	Sockets []Socket `json:"sockets,omitempty"`
	// More counts those that are not listed.
	More int `json:"more,omitempty"`
}

// Listeners are the sockets that wait for others on the host, in the sensor's
// network namespace.
type Listeners struct {
	Part
	Sockets []Socket `json:"sockets,omitempty"`
	More    int      `json:"more,omitempty"`
}

// Socket is one socket.
type Socket struct {
	Protocol  string `json:"protocol"` // "tcp", "tcp6", "udp", "udp6", "unix", …
	State     string `json:"state,omitempty"`
	LocalIP   string `json:"local_ip,omitempty"`
	LocalPort uint32 `json:"local_port,omitempty"`
	// PeerIP and PeerPort are missing where there is no peer.
	PeerIP   string `json:"peer_ip,omitempty"`
	PeerPort uint32 `json:"peer_port,omitempty"`
	Path     string `json:"path,omitempty"` // of a Unix socket
	FD       uint32 `json:"fd,omitempty"`
	// PID and the others name the process of a listener.
	PID         uint32 `json:"pid,omitempty"`
	Executable  string `json:"executable,omitempty"`
	CommandLine string `json:"command_line,omitempty"`
}

// Sessions are who was logged in.
type Sessions struct {
	Part
	// Logins are the entries of utmp, see utmp(5).
	Logins []Login `json:"logins,omitempty"`
	// NoUtmp says that the host has no utmp, as distributions that no longer keep
	// one: then no logins are listed, and nothing failed.
	NoUtmp bool `json:"no_utmp,omitempty"`
	// Audit are the audit sessions that have processes.
	Audit []AuditSession `json:"audit_sessions,omitempty"`
	More  int            `json:"more,omitempty"`
}

// Login is one entry of utmp.
type Login struct {
	User     string    `json:"user"`
	Terminal string    `json:"terminal,omitempty"`
	From     string    `json:"from,omitempty"`
	Since    time.Time `json:"since,omitzero"`
}

// AuditSession is one login as audit counts them: it also has sessions that utmp
// does not show, such as those of cron and of ssh without a terminal.
type AuditSession struct {
	ID        string `json:"id"`
	Login     User   `json:"login"`
	Processes int    `json:"processes"`
	// PID and Name are those of its oldest process.
	PID  uint32 `json:"pid"`
	Name string `json:"name,omitempty"`
}

// Container says in which control group, and so in which container, the process
// is.
type Container struct {
	Part
	Cgroups []string `json:"cgroups,omitempty"`
	// ID is the container's, Runtime who made it as far as the path tells.
	ID      string `json:"id,omitempty"`
	Runtime string `json:"runtime,omitempty"`
	// Unit is the systemd unit, "ssh.service".
	Unit string `json:"unit,omitempty"`
}

// Hint is something that the evidence shows and an analyst should know. It is no
// verdict.
type Hint struct {
	Code string `json:"code"`
	Text string `json:"text"`
}
