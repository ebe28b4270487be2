package normalize

// Reported names the record that told what happened and the call in it, with the
// interface that the process called: "SYSCALL connect (x86_64)", "SYSCALL
// socketcall connect (i386)", "URINGOP connect". It is for people.
func (e *Event) Reported() string {
	d := e.known()
	name, table := d.name, abiOf(d.arch)
	if table == nil || !d.syscall {
		if d.uring {
			return "URINGOP " + uringOpName(d.uringOp)
		}
		return d.typ.String() + " " + name
	}
	interfaceName := table.name
	if d.arch == archX8664 && d.number&x32Bit != 0 {
		interfaceName = "x32"
	} else if int64(d.number) < int64(len(table.calls)) && table.calls[d.number] == callSocketcall {
		name = "socketcall " + name
	}
	return "SYSCALL " + name + " (" + interfaceName + ")"
}
