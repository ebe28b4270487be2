package source

// Mode is the way on which this host's audit records arrive.
type Mode string

// The modes. Auto is not a way of its own: it chooses one.
const (
	// Auto is unicast where nobody else receives. Beside an audit daemon it is
	// multicast where the kernel delivers, and else the daemon's log.
	Auto Mode = "auto"
	// Unicast takes the audit daemon's place.
	Unicast Mode = "unicast"
	// Multicast listens to the kernel beside an audit daemon.
	Multicast Mode = "multicast"
	// Audisp reads what an audit daemon's dispatcher hands to its plugins.
	Audisp Mode = "audisp"
	// Tailing follows the log that an audit daemon writes.
	Tailing Mode = "log"
)

// Live is a Source of what happens on this host now.
type Live interface {
	Source
	// Mode says how records arrive.
	Mode() Mode
	// Holder is the process that receives by unicast beside this source, nil
	// when there is none or when it is this one.
	Holder() *HeldError
	// Changes lists the kernel's settings that were changed, in order.
	Changes() []Change
	// Wake makes the current or the next Receive return at once, with no
	// messages if there are none. It may be called from any goroutine.
	Wake()
}
