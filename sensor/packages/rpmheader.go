package packages

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"
	"time"
)

// The tags of an rpm header that are read, and the types of their data; see rpm's
// include/rpm/rpmtag.h.
const (
	tagName, tagVersion, tagRelease     = 1000, 1001, 1002
	tagEpoch, tagInstalled, tagArch     = 1003, 1008, 1022
	tagModes                            = 1030
	tagFolderOf, tagNames, tagFolders   = 1116, 1117, 1118
	typeInt16, typeInt32                = 3, 4
	typeString, typeStrings, typeLocale = 6, 8, 9
)

// rpmHeader is a package's header as the database has it: the number of entries
// and the size of the data, entries of 16 bytes, data; all numbers big-endian.
type rpmHeader struct {
	entries, data []byte
}

var errHeader = errors.New("a package's header is damaged")

func parseHeader(blob []byte) (rpmHeader, error) {
	if len(blob) < 8 {
		return rpmHeader{}, errHeader
	}
	count, size := uint64(binary.BigEndian.Uint32(blob)), uint64(binary.BigEndian.Uint32(blob[4:]))
	if 8+16*count+size > uint64(len(blob)) {
		return rpmHeader{}, errHeader
	}
	end := 8 + 16*count
	return rpmHeader{entries: blob[8:end], data: blob[end : end+size]}, nil
}

// find returns the data from where a tag's begins, and the tag's type and count.
func (h rpmHeader) find(tag uint32) (data []byte, kind, count uint32) {
	for at := 0; at < len(h.entries); at += 16 {
		entry := h.entries[at:]
		if binary.BigEndian.Uint32(entry) != tag {
			continue
		}
		offset := uint64(binary.BigEndian.Uint32(entry[8:]))
		if offset > uint64(len(h.data)) {
			return nil, 0, 0
		}
		return h.data[offset:], binary.BigEndian.Uint32(entry[4:]), binary.BigEndian.Uint32(entry[12:])
	}
	return nil, 0, 0
}

// texts calls one with each text of a tag until there are no more.
func (h rpmHeader) texts(tag uint32, one func(text []byte)) {
	data, kind, count := h.find(tag)
	if kind != typeString && kind != typeStrings && kind != typeLocale {
		return
	}
	for range count {
		text, rest, ended := bytes.Cut(data, []byte{0})
		if !ended {
			return
		}
		one(text)
		data = rest
	}
}

func (h rpmHeader) text(tag uint32) (first string) {
	found := false
	h.texts(tag, func(text []byte) {
		if !found {
			first, found = string(text), true
		}
	})
	return first
}

// numbers reads the whole numbers of a tag, of 16 or 32 bits.
func (h rpmHeader) numbers(tag uint32) []uint32 {
	data, kind, count := h.find(tag)
	size := map[uint32]int{typeInt16: 2, typeInt32: 4}[kind]
	if size == 0 || uint64(count)*uint64(size) > uint64(len(data)) {
		return nil
	}
	all := make([]uint32, count)
	for i := range all {
		if size == 2 {
			all[i] = uint32(binary.BigEndian.Uint16(data[2*i:]))
		} else {
			all[i] = binary.BigEndian.Uint32(data[4*i:])
		}
	}
	return all
}

// owner is the package that the header is of.
func (h rpmHeader) owner() Package {
	one := Package{
		Manager: "rpm", Name: h.text(tagName), Version: h.text(tagVersion) + "-" + h.text(tagRelease), Architecture: h.text(tagArch),
	}
	if epoch := h.numbers(tagEpoch); len(epoch) > 0 && epoch[0] > 0 {
		one.Version = strconv.FormatUint(uint64(epoch[0]), 10) + ":" + one.Version
	}
	if installed := h.numbers(tagInstalled); len(installed) > 0 {
		one.Installed = time.Unix(int64(installed[0]), 0).UTC()
	}
	return one
}

// executables calls one with the path of each regular file that somebody may
// execute.
func (h rpmHeader) executables(one func(path []byte)) {
	var folders [][]byte
	h.texts(tagFolders, func(text []byte) { folders = append(folders, text) })
	folderOf, modes := h.numbers(tagFolderOf), h.numbers(tagModes)
	at := 0
	var path []byte
	h.texts(tagNames, func(name []byte) {
		const format, regular, execute = 0o170000, 0o100000, 0o111
		if at < len(folderOf) && at < len(modes) && int(folderOf[at]) < len(folders) && modes[at]&format == regular && modes[at]&execute != 0 {
			path = append(append(path[:0], folders[folderOf[at]]...), name...)
			one(path)
		}
		at++
	})
}
