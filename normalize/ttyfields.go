package normalize

import (
	"bytes"

	"tripline/detect"
)

func ttyFields() []field {
	return []field{
		whole("process.tty.char_device.major", func(e *Event) detect.Value { return deviceNumber(e.terminalDevice().major) }),
		whole("process.tty.char_device.minor", func(e *Event) detect.Value {
			if device := e.terminalDevice(); device.major != 0 {
				return detect.Int(int64(device.minor))
			}
			return detect.Value{}
		}),
	}
}

// charDevice is a character device; no terminal has the major number 0.
type charDevice struct{ major, minor uint32 }

// deviceNumber is a major number, missing where it is 0.
func deviceNumber(major uint32) detect.Value {
	if major == 0 {
		return detect.Value{}
	}
	return detect.Int(int64(major))
}

// terminalDevice is the controlling terminal that the record names. The numbers of
// its device do not depend on the host.
func (e *Event) terminalDevice() charDevice { return charDeviceOf(e.known().tty) }

// charDeviceOf finds the device of a terminal by the name that the kernel gives it in
// SYSCALL records, "pts0", or that programs give it, "/dev/pts/0". Programs also
// write other things there, such as "ssh", and some kinds of terminal have numbers
// that the host chooses: both have none. The numbers are those of the kernel's
// Documentation/admin-guide/devices.txt.
func charDeviceOf(name []byte) charDevice {
	name = bytes.TrimPrefix(name, []byte("/dev/"))
	if string(name) == "console" {
		return charDevice{5, 1}
	}
	for _, kind := range []struct {
		prefix              string
		major, first, count uint64
	}{
		{"pts/", 136, 0, 8 << 8},
		{"pts", 136, 0, 8 << 8},
		{"ttyS", 4, 64, 192},
		{"tty", 4, 0, 64},
	} {
		digits, ok := bytes.CutPrefix(name, []byte(kind.prefix))
		if !ok {
			continue
		}
		if n, at, ok := number(digits, 0, kind.count-1); ok && at == len(digits) {
			return charDevice{uint32(kind.major + (kind.first+n)>>8), uint32((kind.first + n) & 0xff)}
		}
	}
	return charDevice{}
}
