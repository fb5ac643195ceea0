#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// An MQTT broker that misbehaves in one chosen way. It writes JSON lines: its port, every row that it took, in order, and
// at the end of its input how often it misbehaved.
//
//     hostile_broker.js ATTACK      NODE_PATH must lead to mqtt-packet
'use strict';

const mqtt = require('mqtt-packet');
const net = require('net');

const MARKED_ROW = 13;       // of every telemetry stream: the poison, or what the broker's rules do not let in
const QUIET_MS = 300;        // a quota counts afresh after so long without a message
const FIRST_CONNECTIONS = 3; // misbehave in a way that lets nothing through, so that it has to end

const SUCCESS = 0x00, NOT_AUTHORIZED = 0x87, SESSION_TAKEN_OVER = 0x8e, PACKET_TOO_LARGE = 0x95, QUOTA_EXCEEDED = 0x97,
  PAYLOAD_INVALID = 0x99, RETAIN_NOT_SUPPORTED = 0x9a, UNSPECIFIED = 0x80;

const has_marked_row = (rows) => rows.some((row) => row.seq <= MARKED_ROW && MARKED_ROW <= row.through && !row.lost);
const is_telemetry = (packet) => packet.topic.endsWith('/telemetry');
const is_first = (client) => client.number <= FIRST_CONNECTIONS;

/// What each attack does: `connack` and `connected` when a client comes, `judge` with a message (a reason code, or 'close'
/// for the end of the connection), `acknowledge` with the acknowledgement that is due.
const attacks = {
  'none': {},
  'lost acknowledgements': {
    acknowledge: (client, send) => { if (++state.due % 7 !== 0) send(); else misbehaved(); },
  },
  'acknowledgements backwards': {
    acknowledge: (client, send) => {
      client.held.push(send);
      misbehaved();
      if (client.held.length === 1)
        setTimeout(() => { for (const each of client.held.splice(0).reverse()) each(); }, 40);
    },
  },
  'acknowledgements twice': { acknowledge: (client, send) => { send(); send(); misbehaved(); } },
  'slow acknowledgements': { acknowledge: (client, send) => { setTimeout(send, 400); misbehaved(); } },
  'Receive Maximum 1': {
    properties: { receiveMaximum: 1 },
    acknowledge: (client, send) => { setTimeout(send, 20); misbehaved(); },
  },
  'Maximum QoS 0': { properties: (client) => is_first(client) && !misbehaved() ? { maximumQoS: 0 } : undefined },
  'Retain Available 0': {
    properties: { retainAvailable: false },
    connack: (client, packet) => !(packet.will && packet.will.retain) || refuse(client, RETAIN_NOT_SUPPORTED),
  },
  'Server Keep Alive 1': { properties: { serverKeepAlive: 1 }, keep_alive_ms: 1500 },
  'quota exceeded': {
    judge: (packet) => {
      const is_quiet = Date.now() - state.last_message > QUIET_MS;
      state.last_message = Date.now();
      if (is_quiet) state.spent = 0;
      return is_telemetry(packet) && ++state.spent > 20 ? QUOTA_EXCEEDED : SUCCESS;
    },
  },
  'topic not authorized for 4 s': {
    judge: (packet) => {
      if (!is_telemetry(packet)) return SUCCESS;
      state.first_refusal = state.first_refusal || Date.now();
      return Date.now() - state.first_refusal < 4000 ? NOT_AUTHORIZED : SUCCESS;
    },
  },
  'payload invalid': { judge: (packet, rows) => is_telemetry(packet) && has_marked_row(rows) ? PAYLOAD_INVALID : SUCCESS },
  'unspecified error': { judge: (packet, rows) => is_telemetry(packet) && has_marked_row(rows) ? UNSPECIFIED : SUCCESS },
  'Maximum Packet Size': { properties: { maximumPacketSize: 700 } },
  'packet too large': { judge: (packet) => packet.payload.length > 600 && is_telemetry(packet) ? PACKET_TOO_LARGE : SUCCESS },
  'poison': { judge: (packet, rows) => is_telemetry(packet) && has_marked_row(rows) ? 'close' : SUCCESS },
  'CONNACK, then the end': { connected: (client) => { if (is_first(client)) end(client); } },
  'no answer to CONNECT': { connack: (client) => !is_first(client) || misbehaved() },
  'garbage for CONNACK': { connack: (client) => !is_first(client) || write(client, Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')) },
  'garbage behind CONNACK': { connected: (client) => { if (is_first(client)) write(client, Buffer.alloc(4096, 0xe5)); } },
  'a packet of 256 MB': {
    connected: (client) => { if (is_first(client)) write(client, Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 0x00])); },
  },
  'another client of that name': {
    connected: (client) => {
      if (is_first(client))
        setTimeout(() => { send(client, { cmd: 'disconnect', reasonCode: SESSION_TAKEN_OVER }); end(client); }, 300);
    },
  },
};

const attack = attacks[process.argv[2]];
if (!attack) {
  console.error(`unknown attack; one of: ${Object.keys(attacks).join(', ')}`);
  process.exit(2);
}
const state = { clients: 0, due: 0, misbehaved: 0, spent: 0, last_message: 0, first_refusal: 0 };

function tell(line) { process.stdout.write(JSON.stringify(line) + '\n'); }
function misbehaved() { ++state.misbehaved; return false; }

function send(client, packet) {
  if (!client.socket.destroyed) client.socket.write(mqtt.generate(packet, { protocolVersion: client.version }));
}
function refuse(client, reason) {
  send(client, { cmd: 'connack', returnCode: reason, reasonCode: reason, sessionPresent: false });
  return end(client);
}
function write(client, bytes) { client.socket.write(bytes); return misbehaved(); }
function end(client) { client.socket.end(); client.is_ended = true; return misbehaved(); }

/// What a message has: rows as {stream, seq, through, samples, lost}.
function rows_of(packet) {
  const stream = packet.topic.split('/').slice(1).join('/');
  const message = JSON.parse(packet.payload);
  return (message.rows || []).map((row) => ({
    stream, epoch: message.epoch, seq: row.seq, through: row.through || row.seq,
    samples: row.lost_rows ? row.lost_rows.samples
      : Object.values(row.signals || {}).reduce((sum, signal) => sum + signal.v.length, 0),
    lost: Boolean(row.lost_rows), reported: Object.values(row.lost || {}).reduce((sum, count) => sum + count, 0),
  }));
}

/// What this client was told that it must not do.
function breach(client, packet) {
  if (packet.qos > (client.properties.maximumQoS ?? 2)) return `QoS ${packet.qos}`;
  if (packet.retain && client.properties.retainAvailable === false) return 'a retained message';
  if (packet.length > (client.properties.maximumPacketSize ?? Infinity)) return `a packet of ${packet.length} bytes`;
  return undefined;
}

function on_publish(client, packet) {
  if (breach(client, packet)) tell({ broken: `${breach(client, packet)} against CONNACK` });
  const rows = rows_of(packet);
  const verdict = attack.judge ? attack.judge(packet, rows) : SUCCESS;
  if (verdict === 'close') return end(client);
  if (verdict === SUCCESS) for (const row of rows) tell(row);
  else misbehaved();
  if (packet.qos === 0) return;
  const acknowledge = () => send(client, { cmd: 'puback', messageId: packet.messageId, reasonCode: verdict });
  if (attack.acknowledge) attack.acknowledge(client, acknowledge);
  else acknowledge();
}

/// Who is silent for one and a half times the keep-alive is cut off (MQTT 5.0, 3.1.2.10).
function watch_silence(client) {
  clearTimeout(client.silence);
  client.silence = setTimeout(() => { if (!client.is_ended) { tell({ broken: 'silence against CONNACK' }); end(client); } },
    attack.keep_alive_ms);
}

function on_connect(client, packet) {
  client.version = packet.protocolVersion;
  client.number = ++state.clients;
  if (attack.connack && !attack.connack(client, packet)) return;
  client.properties = (typeof attack.properties === 'function' ? attack.properties(client) : attack.properties) || {};
  send(client, { cmd: 'connack', returnCode: 0, reasonCode: 0, sessionPresent: false, properties: client.properties });
  if (attack.connected) attack.connected(client);
}

function on_ping(client) {
  if (attack.keep_alive_ms) misbehaved();
  send(client, { cmd: 'pingresp' });
}

function on_packet(client, packet) {
  if (client.is_ended) return;  // a broker does not take what comes after its end
  if (attack.keep_alive_ms) watch_silence(client);
  if (packet.cmd === 'connect') on_connect(client, packet);
  if (packet.cmd === 'publish') on_publish(client, packet);
  if (packet.cmd === 'pingreq') on_ping(client);
  if (packet.cmd === 'disconnect') { client.is_ended = true; client.socket.end(); }
}

const server = net.createServer({ noDelay: true }, (socket) => {
  const client = { socket, version: 4, number: 0, held: [], is_ended: false, properties: {} };
  const parser = mqtt.parser();
  parser.on('packet', (packet) => on_packet(client, packet));
  parser.on('error', (error) => { tell({ broken: String(error) }); socket.destroy(); });
  socket.on('data', (bytes) => parser.parse(bytes));
  socket.on('error', () => socket.destroy());
});
server.listen(0, '127.0.0.1', () => tell({ port: server.address().port }));

process.stdin.resume();
process.stdin.on('end', () => {
  tell({ misbehaved: state.misbehaved, connections: state.clients });
  process.exit(0);
});
