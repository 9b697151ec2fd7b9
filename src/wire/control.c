/* The control: what is sent beside the trigger to compare it with. */
#include <string.h>

#include <rsthop/control.h>

void
control_default(const uint8_t *payload, size_t len, uint8_t *out)
{
	uint8_t b;

	for (size_t i = 0; i < len; i++) {
		b = payload[i];
		if (b >= 'a' && b <= 'z')
			b = (uint8_t)('a' + (b - 'a' + 13) % 26);
		else if (b >= 'A' && b <= 'Z')
			b = (uint8_t)('A' + (b - 'A' + 13) % 26);
		else if (b >= '0' && b <= '9')
			b = (uint8_t)('0' + (b - '0' + 5) % 10);
		out[i] = b;
	}
	if (memcmp(out, payload, len) != 0)
		return;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)~payload[i];
}
