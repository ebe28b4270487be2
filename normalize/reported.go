package normalize

import "strconv"

// Reported names the record that told what happened and the call in it, with the
// interface that the process called: "SYSCALL connect (x86_64)", "SYSCALL
// socketcall connect (i386)", "URINGOP connect". It is for people.
func (e *Event) Reported() string {
	d := e.known()
	if d.uring && !d.syscall {
		return "URINGOP " + uringOpName(d.uringOp)
	}
	if !d.syscall {
		return d.typ.String()
	}
	name, table := d.name, abiOf(d.arch)
	if name == "" {
		name = strconv.FormatUint(uint64(d.number), 10)
	}
	if table == nil {
		return "SYSCALL " + name
	}
	called := table.name
	if d.arch == archX8664 && d.number&x32Bit != 0 {
		called = "x32"
	} else if int64(d.number) < int64(len(table.calls)) && table.calls[d.number] == callSocketcall {
		name = "socketcall " + name
	}
	return "SYSCALL " + name + " (" + called + ")"
}
