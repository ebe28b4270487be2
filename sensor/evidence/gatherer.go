package evidence

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"tripline/sensor/packages"
	"tripline/sensor/prevalence"
)

// Options say how evidence is gathered. The zero value of each is its default.
type Options struct {
	// Proc is the proc file system, "/proc"; Passwd names users, "/etc/passwd"; Var
	// has run/utmp, "/var".
	Proc, Passwd, Var string
	// Budget is how long after its match an alert's evidence may be complete, by
	// default 200 ms. Evidence that had to wait for that of others gets at least a
	// quarter of it.
	Budget time.Duration
	// HashLimit is the size in bytes of the largest file that is hashed, by
	// default 64 MiB.
	HashLimit int64
	// Queue is how many requests wait, by default 256.
	Queue int
	// Packages says whose files are whose; nil for this host's databases.
	Packages *packages.Finder
	// Connections remembers who connected before; nil for nobody.
	Connections *prevalence.Store
	// Identify is the identity of the process that has a pid now, empty where
	// there is none; nil where that cannot be told. The gatherer calls it from one
	// goroutine.
	Identify func(pid uint32) string
}

func (o Options) withDefaults() Options {
	setDefault(&o.Proc, "/proc")
	setDefault(&o.Passwd, "/etc/passwd")
	setDefault(&o.Budget, 200*time.Millisecond)
	setDefault(&o.HashLimit, 64<<20)
	setDefault(&o.Queue, 256)
	if o.Packages == nil {
		o.Packages = packages.NewFinder("/")
	}
	return o
}

func setDefault[T comparable](option *T, value T) {
	var zero T
	if *option == zero {
		*option = value
	}
}

// Gatherer gathers evidence on goroutines of its own, one request after another.
type Gatherer struct {
	options  Options
	proc     proc
	users    *users
	hashes   hashes
	packages *packages.Finder
	readers  readers

	// listeners and sessions are of the whole host and serve requests that come
	// close together.
	listeners *Listeners
	sessions  *Sessions

	jobs    chan job
	done    chan struct{}
	closing sync.Once
	stop    context.CancelFunc

	gathered, dropped, incomplete atomic.Uint64
}

type job struct {
	request Request
	deliver func(*Evidence)
}

// Stats count what a gatherer has done.
type Stats struct {
	// Gathered counts delivered evidence, Incomplete that of it which lacks
	// something.
	Gathered, Incomplete uint64
	// Dropped counts requests given up because too many waited.
	Dropped uint64
	// Abandoned counts readings that did not end in time and were left to
	// themselves; Hanging is how many of them have not ended yet.
	Abandoned, Hanging uint64
}

// NewGatherer starts the goroutine, which ends with Close.
func NewGatherer(options Options) *Gatherer {
	options = options.withDefaults()
	ctx, stop := context.WithCancel(context.Background())
	g := &Gatherer{
		options: options, proc: proc{options.Proc}, users: &users{path: options.Passwd}, packages: options.Packages,
		jobs: make(chan job, options.Queue), done: make(chan struct{}), stop: stop,
	}
	g.packages.Prepare()
	go g.run(ctx)
	return g
}

// Add asks for evidence and never waits: a full queue drops the request, counts it
// and says false. deliver is called once, from the gatherer's goroutine.
func (g *Gatherer) Add(request Request, deliver func(*Evidence)) bool {
	select {
	case g.jobs <- job{request, deliver}:
		return true
	default:
		g.dropped.Add(1)
		return false
	}
}

// Close gathers what was asked for, until ctx ends, and ends. Nothing may be added
// after it was called.
func (g *Gatherer) Close(ctx context.Context) {
	g.closing.Do(func() { close(g.jobs) })
	select {
	case <-g.done:
	case <-ctx.Done():
		g.stop()
		<-g.done
	}
	g.stop()
}

// Stats are the counters so far. It may be called from any goroutine.
func (g *Gatherer) Stats() Stats {
	return Stats{
		Gathered: g.gathered.Load(), Incomplete: g.incomplete.Load(), Dropped: g.dropped.Load(),
		Abandoned: g.readers.abandoned.Load(), Hanging: uint64(max(0, g.readers.late.Load())),
	}
}

func (g *Gatherer) run(ctx context.Context) {
	defer close(g.done)
	for one := range g.jobs {
		if ctx.Err() != nil {
			g.dropped.Add(1)
			continue
		}
		found := g.gather(ctx, &one.request)
		g.gathered.Add(1)
		if found.Incomplete {
			g.incomplete.Add(1)
		}
		one.deliver(found)
	}
}

// bootTime is when the host was booted; the zero time where that is not known.
func (g *Gatherer) bootTime() time.Time {
	data, err := readStart(g.proc.root+"/uptime", 128)
	if err != nil {
		return time.Time{}
	}
	up, err := parseUptime(data)
	if err != nil {
		return time.Time{}
	}
	return time.Now().Add(-up)
}
