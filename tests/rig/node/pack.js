// Packets by npm's osc: reads [[address, [[type, value], ...]], ...] as JSON, prints each packet as a line of hex.
const osc = require("osc");

const messages = JSON.parse(require("fs").readFileSync(0, "utf8"));
for (const [address, args] of messages) {
  const packet = osc.writePacket({ address, args: args.map(([type, value]) => ({ type, value })) });
  console.log(Buffer.from(packet).toString("hex"));
}
