// Statements in as JSON strings, one a line; true or false out, one a line: whether OceanBase's own grammar takes it. The
// folder where the parser is installed is given.
const lines = require('readline').createInterface({ input: process.stdin });
const { parse } = require(process.argv[2] + '/node_modules/@oceanbase-odc/ob-parser-js/assets/obmysql/index.js');

function parses(statement) {
  try {
    const found = parse(statement + ';');
    return !(found && found.error);
  } catch (error) {
    return false;
  }
}

lines.on('line', (line) => process.stdout.write(JSON.stringify(parses(JSON.parse(line))) + '\n'));
