exports.onExecuteEventStream = async (event, api) => {
  console.log(event.message.type);
};
