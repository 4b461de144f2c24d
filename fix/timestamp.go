package fix

import "encoding/binary"

// TimePrecision is how many digits of a second our UTCTimestamps carry.
type TimePrecision uint8

const (
	// Milliseconds: YYYYMMDD-HH:MM:SS.mmm, the default.
	Milliseconds TimePrecision = iota
	// Microseconds: YYYYMMDD-HH:MM:SS.uuuuuu.
	Microseconds
)

const (
	nanosPerSecond = int64(1e9)
	secondsPerDay  = 86400
)

// timestampLen is the longest UTCTimestamp that we write.
const timestampLen = len("20060102-15:04:05.000000")

// dayText remembers the last date written, since nearly all times are of one day. The zero value is 1970-01-01 not yet written.
type dayText struct {
	day   uint64
	known bool
	text  [8]byte
}

func (d *dayText) of(day uint64) *[8]byte {
	if !d.known || d.day != day {
		year, month, dayOfMonth := civil(int64(day))
		putDigits(d.text[:], uint64(year*10000+month*100+dayOfMonth))
		d.day, d.known = day, true
	}
	return &d.text
}

// putTimestamp writes ns since the Unix epoch (0 <= ns) as UTCTimestamp at the start of b, which has room for timestampLen bytes, and gives its length.
func putTimestamp(b []byte, ns int64, precision TimePrecision, day *dayText) int {
	if ns < 0 {
		ns = 0
	}
	b = b[:timestampLen]
	seconds, fraction := uint64(ns)/1e9, uint32(uint64(ns)%1e9)
	*(*[8]byte)(b) = *day.of(seconds / secondsPerDay)
	ofDay := uint32(seconds % secondsPerDay)
	b[8] = '-'
	putTwo(b[9:], ofDay/3600)
	b[11] = ':'
	putTwo(b[12:], ofDay/60%60)
	b[14] = ':'
	putTwo(b[15:], ofDay%60)
	b[17] = '.'
	putThree(b[18:], fraction/1e6)
	if precision == Microseconds {
		putThree(b[21:], fraction/1e3%1e3)
		return timestampLen
	}
	return timestampLen - 3
}

func putTwo(b []byte, n uint32) {
	b[1], b[0] = pairs[n*2+1], pairs[n*2]
}

func putThree(b []byte, n uint32) {
	b[2] = byte('0' + n%10)
	b[1] = byte('0' + n/10%10)
	b[0] = byte('0' + n/100)
}

// appendTimestamp appends ns since the Unix epoch as UTCTimestamp.
func appendTimestamp(dst []byte, ns int64, precision TimePrecision) []byte {
	var text [timestampLen]byte
	return append(dst, text[:putTimestamp(text[:], ns, precision, &dayText{})]...)
}

// civil turns days since 1970-01-01 into a date of the Gregorian calendar, for days >= 0.
func civil(days int64) (year, month, day int) {
	z := days + 719468
	era := z / 146097
	doe := z % 146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy - (153*mp+2)/5 + 1)
	month = int(mp + 3)
	if month > 12 {
		month -= 12
	}
	year = int(yoe + era*400)
	if month <= 2 {
		year++
	}
	return year, month, day
}

// daysOf is the inverse of civil.
func daysOf(year, month, day int) int64 {
	y := int64(year)
	m := int64(month)
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	yoe := y % 400
	doy := (153*(m-3)+2)/5 + int64(day) - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468
}

// twoDigits reads two digits, or gives a number far out of every range.
func twoDigits(b []byte) int {
	hi, lo := b[0]-'0', b[1]-'0'
	if hi > 9 || lo > 9 {
		return 1000
	}
	return int(hi)*10 + int(lo)
}

// parseDate reads YYYYMMDD into days since 1970-01-01.
func parseDate(b []byte) (int64, bool) {
	if len(b) != 8 {
		return 0, false
	}
	century, year, month, day := twoDigits(b), twoDigits(b[2:]), twoDigits(b[4:]), twoDigits(b[6:])
	year += century * 100
	if year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	return daysOf(year, month, day), true
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// dayRead remembers the last date read. The zero value remembers none.
type dayRead struct {
	text uint64
	days int64
}

func (d *dayRead) parse(b []byte) (int64, bool) {
	text := binary.LittleEndian.Uint64(b)
	if text == d.text {
		return d.days, true
	}
	days, ok := parseDate(b[:8])
	if ok {
		d.text, d.days = text, days
	}
	return days, ok
}

// parseTimestamp reads a UTCTimestamp with no fraction or one of 3, 6, 9 or 12 digits into ns since the Unix epoch. Second 60 is taken, as FIX
// has it for leap seconds.
func parseTimestamp(b []byte, day *dayRead) (int64, bool) {
	if len(b) < 17 || b[8] != '-' || b[11] != ':' || b[14] != ':' {
		return 0, false
	}
	days, ok := day.parse(b)
	if !ok {
		return 0, false
	}
	hour, minute, second := twoDigits(b[9:]), twoDigits(b[12:]), twoDigits(b[15:])
	if hour > 23 || minute > 59 || second > 60 {
		return 0, false
	}
	ns := (days*secondsPerDay + int64(hour*3600+minute*60+second)) * nanosPerSecond
	switch len(b) {
	case 17:
		return ns, true
	case 21, 24, 27, 30:
		if b[17] != '.' {
			return 0, false
		}
		fraction, ok := parseUint(b[18:])
		if !ok {
			return 0, false
		}
		if len(b) == 30 { // picoseconds, which we do not keep
			return ns + int64(fraction/1000), true
		}
		for digits := len(b) - 18; digits < 9; digits += 3 {
			fraction *= 1000
		}
		return ns + int64(fraction), true
	}
	return 0, false
}
