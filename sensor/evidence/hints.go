package evidence

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// recent is how new a file has to be to be worth a hint.
const recent = 24 * time.Hour

// hints says what of the evidence an analyst should look at. They are no verdicts:
// each has innocent reasons too.
func hints(request *Request, found *Evidence) []Hint {
	var all []Hint
	add := func(holds bool, code, text string, values ...any) {
		if holds {
			all = append(all, Hint{code, fmt.Sprintf(text, values...)})
		}
	}
	fileHints(found, add)
	processHints(request, found, add)
	connectionHints(found, add)
	return all
}

type addHint func(holds bool, code, text string, values ...any)

func fileHints(found *Evidence, add addHint) {
	file := found.Executable
	add(file.Memfd, "executable_in_memory", "the executable is a file in memory and was never on a disk")
	add(file.Deleted && !file.Memfd, "executable_deleted", "the executable has been deleted")
	folder := writableFolder(file.Path)
	add(folder != "", "executable_in_writable_folder", "the executable is in %s, where every user can put files", folder)
	add(strings.Contains(file.Path, "/."), "executable_hidden", "the path of the executable has a hidden part: %s", file.Path)
	add(file.PackageState == "none" && !file.Memfd, "executable_not_packaged", "the executable belongs to no package")
	if file.SHA256 == "" && file.Mode == "" {
		return
	}
	add(file.writableByAll(), "executable_writable_by_all", "every user can write to the executable (mode %s)", file.Mode)
	add(file.Owner != nil && file.Owner.ID != "0", "executable_not_roots", "the executable belongs to user %s and not to root", file.Owner.text())
	age := found.Gathered.Sub(file.Changed)
	add(!file.Changed.IsZero() && age < recent && !file.Memfd, "executable_recent", "the executable was made or changed %s ago", age.Round(time.Second))
	add(file.Source == "process" && file.setsID(), "executable_set_id", "the executable changes the user or group of who starts it (mode %s)", file.Mode)
}

func processHints(request *Request, found *Evidence, add addHint) {
	add(found.Process == Ended, "process_ended", "the process had ended when the evidence was gathered")
	processes := found.Tree.Processes
	if len(processes) == 0 {
		return
	}
	self := processes[0]
	if self.Source == "" {
		add(self.Terminal == "" && !self.Kernel, "no_terminal", "the process has no controlling terminal")
		add(self.ParentPID == 1, "adopted_by_init", "the parent is process 1: its own parent has ended, or init started it")
		add(strings.HasPrefix(self.CommandLine, "[") && !self.Kernel && self.Executable != "", "named_like_kernel_thread",
			"it calls itself %s like a thread of the kernel, but has an executable", self.CommandLine)
	}
	if file := path.Base(found.Executable.Path); self.Name != "" && found.Executable.Path != "" && self.Source == "" {
		add(!strings.HasPrefix(file, self.Name) && !isInterpreter(file), "named_otherwise", "it calls itself %q, its executable is %s", self.Name, found.Executable.Path)
	}
	for _, one := range processes[1:] {
		if name := path.Base(one.Executable); isServer(name) {
			add(true, "started_by_network_service", "it descends from %s (process %d), which serves the network", name, one.PID)
			break
		}
	}
	add(isInterpreter(path.Base(found.Executable.Path)), "interpreter", "the executable is an interpreter: what it does is in its arguments")
	add(request.UserID == "0" && request.LoginID != "" && request.LoginID != "0", "became_root", "it runs as root, the login behind it was that of user %s", self.Login.text())
	add(request.LoginID == "" && request.UserID == "0", "no_login", "no login began it: a service, a job, or something that was left behind")
	add(found.Container.ID != "", "in_container", "it runs in the container %.12s", found.Container.ID)
}

func connectionHints(found *Evidence, add addHint) {
	seen := found.Prevalence
	add(seen.FirstConnection, "first_connection", "first outbound connection of this executable that was seen on this host%s", sinceInstall(seen))
	add(seen.FileChanged, "file_changed", "another file had this path when it connected before, last at %s", seen.Last.Format(time.RFC3339))
	raw := slices.ContainsFunc(found.Sockets.Sockets, func(one Socket) bool {
		return strings.HasPrefix(one.Protocol, "raw") || one.Protocol == "packet"
	})
	add(raw, "raw_socket", "it has a raw socket open, which sees or forges packets below TCP and UDP")
	for _, one := range found.Sockets.Sockets {
		if one.State == "LISTEN" && one.Protocol != "unix" {
			add(true, "listens", "it also listens, on %s port %d", one.LocalIP, one.LocalPort)
			break
		}
	}
}

// sinceInstall says how long after its installation an executable first connected.
func sinceInstall(seen *Prevalence) string {
	if seen.AfterInstall == nil {
		return ""
	}
	return fmt.Sprintf(", %d days after its package was installed", *seen.AfterInstall)
}

// writableFolder is the folder for everybody that a path is in, empty for none.
func writableFolder(file string) string {
	for _, folder := range []string{"/tmp", "/var/tmp", "/dev/shm", "/run/user", "/run/lock", "/var/lock", "/dev/mqueue"} {
		if strings.HasPrefix(file, folder+"/") {
			return folder
		}
	}
	return ""
}

func (e *Executable) writableByAll() bool {
	return e.Mode != "" && (e.Mode[len(e.Mode)-1]-'0')&2 != 0
}

func (u *User) text() string {
	switch {
	case u == nil:
		return ""
	case u.Name != "":
		return u.Name + " (" + u.ID + ")"
	default:
		return u.ID
	}
}

// isInterpreter says whether programs of that name run scripts.
func isInterpreter(name string) bool {
	name = strings.TrimRight(name, "0123456789.")
	return slices.Contains([]string{
		"sh", "bash", "dash", "ksh", "zsh", "ash", "fish", "csh", "tcsh", "busybox", "python", "perl", "ruby", "php", "lua", "node", "nodejs",
		"tclsh", "expect", "awk", "gawk", "mawk", "java", "osascript", "pwsh",
	}, name)
}

// isServer says whether programs of that name usually answer requests from the
// network, so that what descends from them may have been sent there.
func isServer(name string) bool {
	for _, prefix := range []string{
		"apache", "httpd", "nginx", "lighttpd", "php-fpm", "uwsgi", "gunicorn", "tomcat", "caddy", "haproxy", "varnishd", "squid",
		"mysqld", "mariadbd", "postgres", "redis-server", "memcached", "mongod", "named", "exim", "master", "smbd", "vsftpd", "proftpd", "xinetd", "inetd",
	} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return name == "java" || name == "node"
}

// setsID says whether the mode has set-user-id or set-group-id.
func (e *Executable) setsID() bool {
	return e.Mode != "" && (e.Mode[0]-'0')&6 != 0
}
