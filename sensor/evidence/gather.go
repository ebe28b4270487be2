package evidence

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// hostPartAge is how old what was read of the whole host may be to serve another
// alert.
const hostPartAge = time.Second

// gather reads all parts of an alert's evidence at once.
func (g *Gatherer) gather(ctx context.Context, request *Request) *Evidence {
	begun := time.Now()
	found := &Evidence{Gathered: now(), Delay: begun.Sub(request.Matched).Milliseconds(), Process: Unknown}
	deadline := request.Matched.Add(g.options.Budget)
	if least := begun.Add(g.options.Budget / 4); deadline.Before(least) {
		deadline = least
	}
	// Readers that look at the time between two files end by themselves a little
	// earlier, with what they have.
	whole, cancelWhole := context.WithDeadline(ctx, deadline)
	defer cancelWhole()
	reading, cancel := context.WithDeadline(ctx, deadline.Add(-g.options.Budget/10))
	defer cancel()

	running := g.isRunning(request)
	process := start(&g.readers, func(part *subject) { g.readSubject(request, running, part) })
	executable := start(&g.readers, func(part *Executable) { g.readExecutable(request, running, part) })
	sockets := start(&g.readers, func(part *Sockets) { g.readSockets(reading, request, running, part) })
	container := start(&g.readers, func(part *Container) { g.readContainer(request, running, part) })
	awaitStored(reading, request.Stored)
	listeners, sessions := g.startHostParts(reading)
	tree := start(&g.readers, func(part *Tree) { g.readTree(reading, request, process.await(whole, "the process"), part) })
	hash := start(&g.readers, func(part *Executable) { g.readHash(reading, request, running, part) })
	owner := start(&g.readers, func(part *Executable) { g.readPackage(reading, request, running, part) })
	found.Tree, found.Executable = tree.await(whole, "the tree"), executable.await(whole, "the file")
	found.Executable.join(hash.await(whole, "the hash"), owner.await(whole, "the package"))
	if found.Executable.Path == "" {
		found.Executable.Path = request.Executable
	}
	found.Sockets, found.Container = sockets.await(whole, "the sockets"), container.await(whole, "the control group")
	if listeners != nil {
		g.listeners = listeners.await(whole, "the listeners")
	}
	if sessions != nil {
		g.sessions = sessions.await(whole, "the sessions")
	}
	found.Listeners, found.Sessions = g.listeners, g.sessions
	found.Process = g.verdict(request, running, found)
	found.Prevalence = g.readPrevalence(request, found)
	found.Hints = hints(request, found)
	found.Incomplete = found.lacks()
	found.Took = time.Since(begun).Milliseconds()
	return found
}

// storedPatience is how long evidence waits until its alert is kept.
const storedPatience = 10 * time.Millisecond

// awaitStored waits until an alert is where it is kept: what reads much meanwhile
// would keep the file system's own threads from the processors.
func awaitStored(ctx context.Context, stored <-chan struct{}) {
	if stored == nil {
		return
	}
	patience := time.NewTimer(storedPatience)
	defer patience.Stop()
	select {
	case <-stored:
	case <-patience.C:
	case <-ctx.Done():
	}
}

// startHostParts begins to read what is not of one process; nil for what was read a
// moment ago.
func (g *Gatherer) startHostParts(ctx context.Context) (listeners *reading[Listeners], sessions *reading[Sessions]) {
	if g.listeners == nil || time.Since(g.listeners.Read) > hostPartAge {
		listeners = start(&g.readers, func(part *Listeners) { g.readListeners(ctx, part) })
	}
	if g.sessions == nil || time.Since(g.sessions.Read) > hostPartAge {
		sessions = start(&g.readers, func(part *Sessions) { g.readSessions(ctx, part) })
	}
	return listeners, sessions
}

// isRunning says whether the pid is still that of the process of the alert.
func (g *Gatherer) isRunning(request *Request) bool {
	if request.PID == 0 || !request.Verified {
		return false
	}
	stat, err := g.proc.stat(request.PID)
	if err != nil || stat.state == 'Z' || stat.state == 'X' {
		return false
	}
	return g.options.Identify == nil || g.options.Identify(request.PID) == request.EntityID
}

// verdict says whether the process was there until all was read: what was read of
// a pid that went to another process meanwhile may be that one's.
func (g *Gatherer) verdict(request *Request, running bool, found *Evidence) string {
	switch {
	case request.PID == 0:
		return Unknown
	case !running:
		return Ended
	case g.isRunning(request):
		return Running
	}
	for _, one := range []part{found.Tree, found.Executable, found.Sockets, found.Container} {
		one.common().fail("the process ended while this was read")
	}
	return Ended
}

// readPrevalence asks whether the executable connected before.
func (g *Gatherer) readPrevalence(request *Request, found *Evidence) *Prevalence {
	answer := new(Prevalence)
	store, executable := g.options.Connections, found.Executable
	if store == nil || executable.Path == "" {
		answer.fail("it is not remembered who connected before")
		return answer
	}
	answer.begin()
	record, known := store.Lookup(executable.Path)
	answer.Since = store.Since()
	if !known {
		answer.fail("%s was not seen to connect", executable.Path)
		return answer
	}
	answer.Record = record
	began := request.FirstEvent
	if len(found.Tree.Processes) > 0 {
		if start := found.Tree.Processes[0].Start; !start.IsZero() && start.Before(began) {
			began = start
		}
	}
	answer.FirstConnection = !record.First.Before(began)
	file := executable.file()
	answer.FileChanged = !answer.FirstConnection && record.Changed(file)
	store.Describe(executable.Path, file)
	if owner := executable.Package; owner != nil && !owner.Installed.IsZero() {
		days := int64(record.First.Sub(owner.Installed) / (24 * time.Hour))
		answer.AfterInstall = &days
	}
	return answer
}

// lacks says whether a part could not be read or not wholly.
func (e *Evidence) lacks() bool {
	for _, one := range []part{e.Tree, e.Executable, e.Prevalence, e.Sockets, e.Listeners, e.Sessions, e.Container} {
		if len(one.common().Failed) > 0 {
			return true
		}
	}
	return false
}

// parseUptime reads the first number of /proc/uptime, seconds.
func parseUptime(data []byte) (time.Duration, error) {
	text, _, _ := strings.Cut(string(data), " ")
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("uptime: %w", err)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}
